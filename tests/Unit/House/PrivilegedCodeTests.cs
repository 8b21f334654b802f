using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Xunit;

namespace Culvert.Tests.Unit.House;

/// <summary>How much code runs with privileges is published, and stays readable in one sitting.</summary>
public sealed partial class PrivilegedCodeTests
{
    private const int OneSitting = 3000;

    // What of the rooms below the engine's side alone uses.
    private static readonly string[] EnginesSide =
    [
        "ConfinedCommand.cs", "ConfinedCommandOptions.cs", "ConfinementFailure.cs", "ChildProcess.cs", "Terminal.cs", "Keyboard.cs", "SignalForwarding.cs", "TunLink.cs", "LoopWaiter.cs", "TunnelHelper.cs",
        "TunnelHelperOptions.cs", "HelperStart.cs", "HelperProgram.cs", "Account.cs", "Background.cs", "LauncherVariables.cs", "SystemParts.cs", "CleanUpRun.cs", "StateWriter.cs",
    ];

    [Fact]
    public void LinesOfTheHelperAreWhatTheSecurityPageSays()
    {
        string root = Root();
        string[] rooms = ["Culvert.Helper", "Culvert.Platform/Steering", "Culvert.Platform/Undo", "Culvert.Platform/Netlink", "Culvert.Platform/Channel", "Culvert.Platform/Linux"];
        int lines = rooms.SelectMany(room => Directory.GetFiles(Path.Combine(root, "src", room), "*.cs"))
            .Where(static file => !EnginesSide.Contains(Path.GetFileName(file)))
            .Sum(static file => File.ReadLines(file).Count(IsCode));
        Match said = Said().Match(File.ReadAllText(Path.Combine(root, "docs/security.md")));
        Assert.True(said.Success, "docs/security.md does not say how many lines run with privileges");
        int published = int.Parse(said.Groups[1].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
        Assert.True(Math.Abs(published - lines) <= lines / 20, $"docs/security.md says {published}, and it is {lines}");
        Assert.InRange(lines, 1, OneSitting);
    }

    private static bool IsCode(string line)
    {
        ReadOnlySpan<char> text = line.AsSpan().Trim();
        return text.Length > 0 && !text.StartsWith("//", StringComparison.Ordinal) && !text.StartsWith("using ", StringComparison.Ordinal);
    }

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../.."));

    [GeneratedRegex("privileges, both helpers together, is ([0-9,]+) lines")]
    private static partial Regex Said();
}
