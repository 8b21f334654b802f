using System;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Net;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Entries;

namespace Culvert.Cli.Commands;

/// <summary><c>culvert proxy [EXIT]</c>: SOCKS5 and HTTP on one local port, and forwards; no privileges.</summary>
internal static class ProxyCommand
{
    public const string Name = "proxy";

    private const string NoListen = "none";

    private static readonly Option<string[]> Listen = new("--listen")
    {
        Description = "Where to listen; may be repeated. 'none' for forwards only",
        HelpName = "ADDRESS:PORT",
        DefaultValueFactory = static _ => [$"{IPAddress.Loopback}:{ProxyEntryOptions.DefaultPort}"],
    };

    private static readonly Option<string?> Auth = new("--auth")
    {
        Description = "Ask clients for this user and password; @FILE reads USER:PASSWORD from a file",
        HelpName = "USER:PASSWORD",
    };

    private static readonly Option<string[]> Forward = new("--forward", "-L")
    {
        Description = "Forward [BIND:]PORT:HOST:HOSTPORT, or unix sockets in place of either; may be repeated",
        HelpName = "SPEC",
    };

    public static Command Declaration { get; } = Declare();

    private static Command Declare()
    {
        Command command = new(Name, "Offer a SOCKS5 and HTTP proxy on one local port, and forwards")
        {
            CommonOptions.Exit, Listen, Auth, Forward, CommonOptions.Via, CommonOptions.Verbose, CommonOptions.Quiet,
        };
        command.SetAction(static (parsed, _) => RunAsync(parsed));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed)
    {
        Messages messages = CommonOptions.MessagesFor(parsed);
        IPEndPoint[] listen = ParseListen(parsed.GetValue(Listen)!);
        ForwardSpec[] forwards = [.. (parsed.GetValue(Forward) ?? []).Select(ForwardSpec.Parse)];
        if (listen.Length == 0 && forwards.Length == 0)
        {
            throw new CulvertException(FailureKind.Usage, "There is nothing to do: --listen none needs a forward (-L).");
        }

        ProxyCredentials? credentials = null;
        if (parsed.GetValue(Auth) is string auth)
        {
            (string user, string password) = ReadCredentials(auth);
            credentials = new ProxyCredentials(user, password);
        }

        using Interruption interruption = new();
        await using ChosenExit chosen = ChosenExit.From(parsed);
        try
        {
            // Ports first: a port in use shows at once, however long the exit takes to answer.
            await using ProxyEntry proxy = await ProxyEntry.StartAsync(
                chosen.Exit, new ProxyEntryOptions { Listen = listen, Credentials = credentials, Warn = messages.Say });
            await using ForwardEntry forward = await ForwardEntry.StartAsync(chosen.Exit, forwards, warn: messages.Say);
            await chosen.Exit.ProbeAsync(interruption.Token);
            foreach (EndPoint endpoint in proxy.Listening)
            {
                messages.Say($"SOCKS5 and HTTP on {endpoint}, through {chosen.Exit.Description}; Ctrl-C ends it");
            }

            foreach ((EndPoint endpoint, ForwardSpec spec) in forward.Listening.Zip(forwards))
            {
                messages.Say($"{endpoint} leads to {spec.DestinationPath ?? spec.Destination.ToString()}, through {chosen.Exit.Description}");
            }

            await interruption.Task;
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            // Interrupted before the exit had answered.
        }

        return interruption.ExitCode;
    }

    private static IPEndPoint[] ParseListen(string[] texts)
    {
        if (texts is [NoListen])
        {
            return [];
        }

        return [.. texts.Select(static text =>
        {
            int colon = text.LastIndexOf(':');
            string host = colon < 0 ? text : text[..colon];
            host = host == "localhost" ? IPAddress.Loopback.ToString() : host;
            return colon > 0 && ushort.TryParse(text[(colon + 1)..], out ushort port) && IPAddress.TryParse(host, out IPAddress? address)
                && (host.StartsWith('[') || !host.Contains(':', StringComparison.Ordinal))
                ? new IPEndPoint(address, port)
                : throw new CulvertException(
                    FailureKind.Usage, $"--listen takes ADDRESS:PORT like 127.0.0.1:1080 or [::1]:1080, or 'none'; '{text}' is neither.");
        })];
    }

    /// <summary>The user and the password of <c>--auth</c>, from the argument itself or from the file it names.</summary>
    internal static (string User, string Password) ReadCredentials(string text)
    {
        if (text.StartsWith('@'))
        {
            try
            {
                text = File.ReadAllText(text[1..]).TrimEnd('\r', '\n');
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                throw new CulvertException(FailureKind.Configuration, $"The file of --auth cannot be read: {e.Message}", e);
            }
        }

        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0
            ? (text[..colon], text[(colon + 1)..])
            : throw new CulvertException(FailureKind.Usage, "--auth takes USER:PASSWORD, or @FILE with USER:PASSWORD in it.");
    }
}
