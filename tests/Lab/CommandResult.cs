using System;
using System.Text;

namespace Culvert.Tests.Lab;

/// <summary>How a command ended.</summary>
/// <param name="Line">The command line, for messages.</param>
/// <param name="ExitCode">Its exit code; 128+n when signal n killed it.</param>
/// <param name="OutputBytes">Everything from its standard output.</param>
/// <param name="Error">Everything from its standard error.</param>
/// <param name="Elapsed">From start to end.</param>
public sealed record CommandResult(string Line, int ExitCode, byte[] OutputBytes, string Error, TimeSpan Elapsed)
{
    /// <summary>The standard output as text.</summary>
    public string Output => Encoding.UTF8.GetString(OutputBytes);

    /// <summary>This result, when the command succeeded; otherwise an exception with all it said.</summary>
    public CommandResult Ok() => ExitCode == 0 ? this : throw new InvalidOperationException(ToString());

    /// <inheritdoc/>
    public override string ToString() => $"`{Line}` ended with {ExitCode} after {Elapsed.TotalSeconds:F2} s\n--- output\n{Shorten(Output)}\n--- error\n{Shorten(Error)}";

    private static string Shorten(string text) => text.Length <= 4000 ? text : text[..2000] + "\n[...]\n" + text[^2000..];
}
