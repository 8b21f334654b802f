using System.CommandLine;
using System.Threading.Tasks;
using Culvert.Cli.Control;
using Culvert.Core;
using Culvert.Platform.Linux;
using Culvert.Platform.Steering;

namespace Culvert.Cli.Commands;

/// <summary><c>culvert down</c>: ends the tunnel and returns when everything has been given back.</summary>
internal static class DownCommand
{
    public static Command Declaration { get; } = Declare();

    private static Command Declare()
    {
        Command command = new("down", "End the tunnel, and return when everything has been given back") { TunnelOptions.Name, CommonOptions.Quiet };
        command.SetAction(static (parsed, _) => RunAsync(parsed));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed)
    {
        Messages messages = CommonOptions.MessagesFor(parsed);
        string link = TunnelOptions.LinkOf(parsed);
        using Interruption interruption = new();
        using ControlClient? client = await ControlClient.ConnectAsync(link, Account.Current, interruption.Token);
        if (client is null)
        {
            messages.Say($"no tunnel is up on {link}");

            // A kill switch outlives its tunnel until here.
            return CleanUpRun.HasWork ? await CleanUpRun.RunAsync(new TunnelHelperOptions(), dryRun: false) : ExitCodes.Ok;
        }

        string trouble = await client.AskAsync("down", interruption.Token);
        if (trouble.Length > 0)
        {
            throw new CulvertException(FailureKind.CleanUpIncomplete, trouble);
        }

        messages.Say($"{link} is down, and the network is as it was");
        return ExitCodes.Ok;
    }
}
