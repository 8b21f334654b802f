using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Entries.Tun;
using Culvert.Flows;
using Culvert.Names;
using Culvert.Platform.Linux;

namespace Culvert.Cli.Commands;

/// <summary><c>culvert run [EXIT] -- COMMAND</c>: one command in a namespace whose only network is our link.</summary>
internal static class RunCommand
{
    public const string Name = "run";

    public const string MarkMissing = "run: put '--' in front of the command, as in: culvert run -- curl https://example.com.";

    public const string DnsDescription =
        "Who resolves names: auto, virtual (the exit, by name), remote (the exit's resolver), ADDRESS[:PORT] or https://… through the exit";

    public const string DnsChoices = "auto|virtual|remote|ADDRESS|https://…";

    private static readonly Option<string> Dns = new("--dns")
    {
        Description = DnsDescription,
        HelpName = DnsChoices,
        DefaultValueFactory = static _ => "auto",
    };

    private static readonly Option<int> Mtu = new("--mtu")
    {
        Description = "Largest packet of the link in bytes (1280 to 65535)",
        HelpName = "BYTES",
        DefaultValueFactory = static _ => 1500,
    };

    public static Command Declaration { get; } = Declare();

    /// <summary>What stood behind <c>--</c>; set before the command runs.</summary>
    public static IReadOnlyList<string> CommandAndArguments { get; set; } = [];

    private static Command Declare()
    {
        Command command = new(Name, "Run one command, all of its traffic carried: culvert run [EXIT] -- COMMAND [ARGUMENTS]")
        {
            CommonOptions.Exit, CommonOptions.Via, Dns, Mtu, CommonOptions.Verbose, CommonOptions.Quiet,
        };
        command.SetAction(static (parsed, _) => RunAsync(parsed));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed)
    {
        Messages messages = CommonOptions.MessagesFor(parsed);
        int mtu = parsed.GetValue(Mtu);
        if (mtu is < 1280 or > 65_535)
        {
            throw new CulvertException(FailureKind.Usage, $"--mtu {mtu} is out of range; give 1280 (the least IPv6 allows) to 65535.");
        }

        NamesPolicy policy = NamesPolicy.Parse(parsed.GetValue(Dns)!);
        await using ChosenExit chosen = ChosenExit.From(parsed);
        IExit exit = chosen.Exit;

        // The namespace is made while the exit is asked: both take their time.
        Task<ConfinedCommand> starting = Task.Run(() => ConfinedCommand.Start(new ConfinedCommandOptions
        {
            Command = CommandAndArguments[0],
            Arguments = [.. CommandAndArguments.Skip(1)],
            Mtu = mtu,
        }));
        try
        {
            await exit.ProbeAsync(CancellationToken.None);
        }
        catch (CulvertException)
        {
            await DiscardAsync(starting);
            throw;
        }

        using ConfinedCommand command = await starting;
        await using NameService names = new(policy, exit, warn: messages.Say);
        await using TunEntry entry = new(command.Link, exit, names, warn: messages.Say);
        foreach (string note in command.Notes)
        {
            messages.Say(note);
        }

        messages.Note($"through {exit.Description}; names: {names.Description}");
        using SignalForwarding forwarding = new(command);
        entry.Start();
        command.Go();
        Task<int> exitCode = command.ExitCode;
        if (await Task.WhenAny(exitCode, entry.Completion) == entry.Completion && !exitCode.IsCompleted)
        {
            await TellWhyAsync(entry, exitCode);
        }

        return await exitCode;
    }

    // The link is also gone when the command has just ended: only an end in the middle is news.
    private static async Task TellWhyAsync(TunEntry entry, Task<int> exitCode)
    {
        try
        {
            await entry.Completion;
        }
        catch (CulvertException e)
        {
            await Task.WhenAny(exitCode, Task.Delay(TimeSpan.FromSeconds(1)));
            if (!exitCode.IsCompleted)
            {
                Messages.Error($"the command has lost its network: {e.Message}");
            }
        }
    }

    private static async Task DiscardAsync(Task<ConfinedCommand> starting)
    {
        try
        {
            (await starting).Dispose();
        }
        catch (CulvertException)
        {
            // The failure of the exit is told; one is enough.
        }
    }
}
