using System;
using System.CommandLine;
using System.Threading.Tasks;
using Culvert.Platform.Linux;
using Culvert.Platform.Steering;

namespace Culvert.Cli.Commands;

/// <summary><c>culvert cleanup</c>: gives back what a tunnel left that died, and says what it did.</summary>
internal static class CleanupCommand
{
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Only tell what would be done" };

    public static Command Declaration { get; } = Declare();

    private static Command Declare()
    {
        Command command = new("cleanup", "Give back what a tunnel left that died, kill switches included; harmless at any time") { DryRun };
        command.SetAction(static (parsed, _) => RunAsync(parsed));
        return command;
    }

    private static Task<int> RunAsync(ParseResult parsed)
    {
        // Nobody is asked for a password when there is nothing to do.
        if (!CleanUpRun.HasWork)
        {
            Console.Out.WriteLine("Nothing to clean up.");
            return Task.FromResult(ExitCodes.Ok);
        }

        return CleanUpRun.RunAsync(new TunnelHelperOptions(), parsed.GetValue(DryRun));
    }
}
