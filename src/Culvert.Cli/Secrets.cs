using System.Text.RegularExpressions;

namespace Culvert.Cli;

/// <summary>Takes passwords out of what people typed before it is shown to them, and to whoever reads the log.</summary>
internal static partial class Secrets
{
    /// <summary>The text with every <c>user:password@</c> made <c>user:…@</c>.</summary>
    public static string Hide(string text) => Password().Replace(text, "$1:…@");

    // From the colon of the user's part to the last @ of the same word.
    [GeneratedRegex(@"((?:^|//|\s|')[^\s:/']*):[^\s/']*@")]
    private static partial Regex Password();
}
