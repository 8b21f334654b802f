using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Discovery;

namespace Culvert.Cli.Commands;

/// <summary><c>culvert nearby</c>: the gateways on this network, found by themselves.</summary>
internal static class NearbyCommand
{
    /// <summary>How long is looked: answers come within a second, and those that were lost are asked for again after one and after three (RFC 6762 section 5.2).</summary>
    public static readonly TimeSpan Look = TimeSpan.FromSeconds(3.5);

    private static readonly Option<bool> Json = new("--json") { Description = "A line of JSON for each" };

    private static readonly Option<bool> Watch = new("--watch", "-w") { Description = "Again whenever one comes or goes, until Ctrl-C" };

    public static Command Declaration { get; } = Declare();

    /// <summary>Looks for so long that those who are there have answered.</summary>
    public static async Task<IReadOnlyList<FoundGateway>> FindAsync(Action<string> say, CancellationToken cancellation)
    {
        await using GatewaySearch search = new(say);
        await Task.Delay(Look, cancellation);
        return search.Found;
    }

    private static Command Declare()
    {
        Command command = new("nearby", "Show the gateways on this network (exit code 3 when there are none)") { Json, Watch, CommonOptions.Verbose, CommonOptions.Quiet };
        command.SetAction(static (parsed, _) => RunAsync(parsed));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed)
    {
        Messages messages = CommonOptions.MessagesFor(parsed);
        bool json = parsed.GetValue(Json);
        using Interruption interruption = new();
        try
        {
            await using GatewaySearch search = new(messages.Say);
            await Task.Delay(Look, interruption.Token);
            IReadOnlyList<FoundGateway> found = search.Found;
            Show(found, json);
            if (!parsed.GetValue(Watch))
            {
                if (found.Count == 0)
                {
                    messages.Say("no gateway tells this network of itself; 'culvert serve' makes one");
                }

                return found.Count > 0 ? ExitCodes.Ok : ExitCodes.Configuration;
            }

            while (true)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), interruption.Token);
                if (!search.Found.Select(Line).SequenceEqual(found.Select(Line)))
                {
                    found = search.Found;
                    Console.Out.WriteLine();
                    Show(found, json);
                }
            }
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            return interruption.ExitCode;
        }
    }

    private static void Show(IReadOnlyList<FoundGateway> found, bool json)
    {
        int width = found.Select(static g => Visible(g.Name).Length).DefaultIfEmpty().Max();
        foreach (FoundGateway gateway in found)
        {
            Console.Out.WriteLine(json
                ? JsonSerializer.Serialize(new NearbyGateway(gateway.Name, [.. gateway.Endpoints.Select(static e => e.ToString())]), NearbyJson.Default.NearbyGateway)
                : $"{Visible(gateway.Name).PadRight(width)}  {string.Join("  ", gateway.Endpoints)}");
        }
    }

    private static string Line(FoundGateway gateway) => $"{gateway.Name} {string.Join(' ', gateway.Endpoints)}";

    // Anybody on the network may say anything.
    private static string Visible(string name) => Core.Session.PairName.IsName(name) ? name : string.Concat(name.Select(static c => char.IsLetterOrDigit(c) ? c : '?'));
}
