using System.CommandLine;
using Culvert.Cli.Completion;

namespace Culvert.Cli.Commands;

/// <summary><c>culvert completion SHELL</c>: prints a script for the shell to read.</summary>
internal static class CompletionCommand
{
    private static readonly Argument<string> Shell = CreateShell();

    public static Command Declaration { get; } = Declare();

    private static Argument<string> CreateShell()
    {
        Argument<string> shell = new("SHELL") { Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        return shell;
    }

    private static Command Declare()
    {
        Command command = new("completion", "Print a completion script: source <(culvert completion bash)") { Shell };
        command.SetAction(static parsed =>
        {
            Outline outline = Outline.Of(CommandLine.Root);
            parsed.InvocationConfiguration.Output.Write(parsed.GetValue(Shell) switch
            {
                "bash" => BashScript.Write(outline),
                "zsh" => ZshScript.Write(outline),
                _ => FishScript.Write(outline),
            });
            return ExitCodes.Ok;
        });
        return command;
    }
}
