using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Cli.Control;
using Culvert.Cli.LeakTest;
using Culvert.Core;

namespace Culvert.Cli.Commands;

/// <summary><c>culvert leaktest</c>: tries to get around the tunnel that is up, and says how it knows that it cannot.</summary>
internal static class LeakTestCommand
{
    public static Command Declaration { get; } = Declare();

    private static Command Declare()
    {
        Command command = new("leaktest", "Try to get around the tunnel that is up (IPv4, IPv6, UDP, DNS), and tell how it is known") { TunnelOptions.Name };
        command.SetAction(static (parsed, cancellation) => RunAsync(parsed, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string link = TunnelOptions.LinkOf(parsed);
        using (ControlClient client = await ControlClient.ConnectAsync(link, user: 0, cancellation)
            ?? throw new CulvertException(FailureKind.Configuration, $"No tunnel is up on {link}, so there is nothing to get around: 'culvert up' first."))
        {
            // It is there; that is all that is needed of it.
        }

        IReadOnlyList<Verdict> verdicts = await LeakProbe.RunAsync(link, cancellation);
        foreach (Verdict verdict in verdicts)
        {
            Console.Out.WriteLine($"{(verdict.Holds ? "ok" : "LEAK")}: {verdict.Subject}: {verdict.How}");
        }

        int leaks = verdicts.Count(static v => !v.Holds);
        Console.Out.WriteLine(leaks == 0 ? "nothing gets around the tunnel" : $"{leaks} of {verdicts.Count} get around the tunnel");
        return leaks == 0 ? ExitCodes.Ok : ExitCodes.Bug;
    }
}
