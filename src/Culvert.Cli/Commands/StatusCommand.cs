using System;
using System.CommandLine;
using System.Threading.Tasks;
using Culvert.Cli.Control;
using Culvert.Core;
using Culvert.Platform.Linux;

namespace Culvert.Cli.Commands;

/// <summary><c>culvert status</c>: how the tunnel is.</summary>
internal static class StatusCommand
{
    private static readonly Option<bool> Json = new("--json") { Description = "One line of JSON" };

    private static readonly Option<bool> Watch = new("--watch", "-w") { Description = "Again every second, until Ctrl-C" };

    public static Command Declaration { get; } = Declare();

    private static Command Declare()
    {
        Command command = new("status", "Tell how the tunnel is (exit code 3 when none is up)") { Json, Watch, TunnelOptions.Name };
        command.SetAction(static (parsed, _) => RunAsync(parsed));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed)
    {
        string link = TunnelOptions.LinkOf(parsed);
        bool json = parsed.GetValue(Json);
        using Interruption interruption = new();
        using ControlClient? client = await ControlClient.ConnectAsync(link, Account.Current, interruption.Token);
        if (client is null)
        {
            Console.Out.WriteLine(json ? "{\"state\":\"down\"}" : $"{link}: down");
            return ExitCodes.Configuration;
        }

        bool watch = parsed.GetValue(Watch);
        try
        {
            for (string? line = await client.AskAsync(watch ? "watch" : "status", interruption.Token); line is not null; line = watch ? await client.NextAsync(interruption.Token) : null)
            {
                string text = line;
                if (!json && !(watch ? StatusText.TryToLine(line, out text) : StatusText.TryToLines(line, DateTimeOffset.UtcNow, out text)))
                {
                    throw new CulvertException(FailureKind.Protocol, "What answers there is no tunnel of this version.");
                }

                Console.Out.WriteLine(text.TrimEnd('\n'));
            }
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            return interruption.ExitCode;
        }

        return ExitCodes.Ok;
    }
}
