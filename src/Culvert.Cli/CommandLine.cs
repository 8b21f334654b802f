using System;
using System.CommandLine;
using System.CommandLine.Invocation;
using System.Linq;
using System.Threading.Tasks;
using Culvert.Cli.Commands;
using Culvert.Core;

namespace Culvert.Cli;

/// <summary>The whole command line: parsed here, run there, and every failure turned into one line and an exit code.</summary>
internal static class CommandLine
{
    private const string CommandMark = "--";

    // Not a RootCommand: that one is named after its file, and people type culvert.
    public static Command Root { get; } = new(
        "culvert", "Carries the traffic of this machine, of one command, or of one local proxy port, through something you already have.")
    {
        HelpTexts.Option(),
        new VersionOption(),
        RunCommand.Declaration,
        UpCommand.Declaration,
        StatusCommand.Declaration,
        DownCommand.Declaration,
        CleanupCommand.Declaration,
        DoctorCommand.Declaration,
        LeakTestCommand.Declaration,
        InstallCommand.Declaration,
        ProxyCommand.Declaration,
        ServeCommand.Declaration,
        NearbyCommand.Declaration,
        PairCommand.Declaration,
        DevicesCommand.Declaration,
        CompletionCommand.Declaration,
    };

    public static async Task<int> RunAsync(string[] args)
    {
        args = DetachedProcess.Receive(args);

        // What stands behind the first -- is the command's own, whatever it looks like.
        int mark = Array.IndexOf(args, CommandMark);
        string[] ours = mark < 0 ? args : args[..mark];
        string[]? behindMark = mark < 0 ? null : args[(mark + 1)..];
        bool isRun = ours.FirstOrDefault() == RunCommand.Name;

        if (ours.Length == 0)
        {
            Root.Parse(["--help"]).Invoke(new InvocationConfiguration { Output = Console.Error });
            return ExitCodes.Usage;
        }

        // An argument like @file is an argument: nobody expects a file's words to become options, and --auth has an @FILE of its own.
        ParseResult parsed = Root.Parse(ours, new ParserConfiguration { ResponseFileTokenReplacer = null });
        bool asksForHelp = parsed.Action is not (null or ParseErrorAction) && parsed.Action != parsed.CommandResult.Command.Action;
        if (!asksForHelp && Complaint(parsed, isRun, behindMark) is string complaint)
        {
            string topic = parsed.CommandResult.Command == Root ? "" : $" {parsed.CommandResult.Command.Name}";
            Messages.Error($"{complaint} See 'culvert{topic} --help'.");
            return isRun ? ExitCodes.RunFailed : ExitCodes.Usage;
        }

        RunCommand.CommandAndArguments = behindMark ?? [];
        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (CulvertException e)
        {
            Messages.Error(e.Message);
            return isRun ? ExitCodes.ForRun(e.Kind) : ExitCodes.For(e.Kind);
        }
#pragma warning disable CA1031 // the last line of defence, which tells the person and sets the exit code
        catch (Exception e)
#pragma warning restore CA1031
        {
            Messages.Error($"this is a defect of Culvert, please report it: {e}");
            return isRun ? ExitCodes.RunFailed : ExitCodes.Bug;
        }
    }

    private static string? Complaint(ParseResult parsed, bool isRun, string[]? behindMark)
    {
        if (parsed.Errors.Count > 0)
        {
            if (isRun && behindMark is null)
            {
                return RunCommand.MarkMissing;
            }

            if (parsed.CommandResult.Command == Root && parsed.UnmatchedTokens is [string unknown, ..])
            {
                return $"'{Secrets.Hide(unknown)}' is not a command of culvert; there are {string.Join(", ", Root.Subcommands.Select(static c => c.Name))}.";
            }

            string message = Secrets.Hide(parsed.Errors[0].Message);
            return message.EndsWith('.') ? message : message + ".";
        }

        if (isRun)
        {
            return behindMark is null ? RunCommand.MarkMissing
                : behindMark.Length == 0 ? "run: there is no command behind '--'."
                : null;
        }

        return behindMark is { Length: > 0 } ? $"Unexpected '{behindMark[0]}' behind '--'; only run takes a command." : null;
    }
}
