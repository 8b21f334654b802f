using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Linq;
using System.Threading.Tasks;
using Culvert.Cli.Decoy;
using Culvert.Cli.Pairing;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Exits;
using Culvert.Serving;
using Culvert.Trust;

namespace Culvert.Cli.Commands;

/// <summary><c>culvert serve</c>: be a gateway, the exit of other devices.</summary>
internal static class ServeCommand
{
    public const string Name = "serve";

    private static readonly Option<string[]> Listen = new("--listen")
    {
        Description = "Where to listen: tls://ADDRESS:PORT, unix:PATH, stdio; may be repeated (tls://[::]:7443 when left out)",
        HelpName = "ADDRESS",
    };

    private static readonly Option<string?> Via = new("--via") { Description = "What devices ask for leaves through this proxy: socks5://… or http://…", HelpName = "EXIT" };

    private static readonly Option<string[]> Allow = new("--allow") { Description = "Devices may reach this; may be repeated, the order with --deny counts", HelpName = "RULES" };

    private static readonly Option<string[]> Deny = new("--deny") { Description = "Devices may not reach this; may be repeated", HelpName = "RULES" };

    private static readonly Option<string?> Rules = new("--rules") { Description = "More rules, a line 'allow RULES' or 'deny RULES' each; read again when it changes", HelpName = "FILE" };

    private static readonly Option<string?> GatewayName = new("--name") { Description = "What others see it called (this machine's name when left out)", HelpName = "NAME" };

    private static readonly Option<bool> NoAdvertise = new("--no-advertise") { Description = "Do not tell this network that it is here (multicast DNS)" };

    private static readonly Option<bool> AutoApprove = new("--auto-approve")
    {
        Description = "Ask nobody before a device is paired that knows the one-time code: for where no person is at a terminal",
    };

    private static readonly Option<string?> Qr = new("--qr") { Description = "Also write the QR code to pair with to this file (.png or .svg)", HelpName = "FILE" };

    private static readonly Option<string?> RequireInterface = new("--require-interface")
    {
        Description = "Everything leaves by this interface, and nothing while it is away or down",
        HelpName = "INTERFACE",
    };

    private static readonly Option<string?> Decoy = new("--decoy")
    {
        Description = "What strangers on the TLS port meet: a directory of files, or a web server to pass them on to (http://…); a plain page when left out",
        HelpName = "DIRECTORY|URL",
    };

    private static readonly Option<string?> TlsCertificate = new("--tls-cert") { Description = "A normal certificate for strangers, with its chain, in PEM (goes with --tls-key)", HelpName = "FILE" };

    private static readonly Option<string?> TlsKey = new("--tls-key") { Description = "Its key, in PEM", HelpName = "FILE" };

    private static readonly (Option<int?> Option, Func<ServeLimits, int> Get, Func<ServeLimits, int, ServeLimits> Set)[] Limits =
    [
        Limit("connections", "Connections at a time", static l => l.MaxConnections, static (l, n) => l with { MaxConnections = n }),
        Limit("connections-per-address", "The same from one address", static l => l.MaxConnectionsPerAddress, static (l, n) => l with { MaxConnectionsPerAddress = n }),
        Limit("handshakes", "TLS handshakes under way at a time", static l => l.MaxHandshakes, static (l, n) => l with { MaxHandshakes = n }),
        Limit("handshakes-per-address", "The same from one address", static l => l.MaxHandshakesPerAddress, static (l, n) => l with { MaxHandshakesPerAddress = n }),
        Limit("sessions", "Sessions at a time", static l => l.MaxSessions, static (l, n) => l with { MaxSessions = n }),
        Limit("sessions-per-device", "The same of one device", static l => l.MaxSessionsPerDevice, static (l, n) => l with { MaxSessionsPerDevice = n }),
        Limit("flows", "Connections and UDP associations of one session at a time", static l => l.MaxFlows, static (l, n) => l with { MaxFlows = n }),
    ];

    public static Command Declaration { get; } = Declare();

    private static Command Declare()
    {
        Command command = new(Name, "Be a gateway: share this machine's network, or its VPN, with your other devices")
        {
            Listen, Via, Allow, Deny, Rules, GatewayName, NoAdvertise, AutoApprove, Qr, RequireInterface,
            Decoy, TlsCertificate, TlsKey,
        };
        foreach ((Option<int?> option, _, _) in Limits)
        {
            command.Options.Add(option);
        }

        command.Options.Add(CommonOptions.Verbose);
        command.Options.Add(CommonOptions.Quiet);
        command.SetAction(static (parsed, _) => RunAsync(parsed));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed)
    {
        Messages messages = CommonOptions.MessagesFor(parsed);
        await using DecoySite decoy = DecoySite.Parse(parsed.GetValue(Decoy));
        ServeSettings settings = Read(parsed) with { Decoy = decoy.OpenAsync };
        using Interruption interruption = new();
        using TrustStore trust = OwnKeys.OpenStore(messages.Say);
        using Identity identity = OwnKeys.LoadIdentity();
        using LiveLine line = new();
        void Say(string sentence) => line.Above(() => messages.Say(sentence));
        await using PairingPlace pairing = PairingPlace.Choose(settings, line, parsed.GetValue(AutoApprove), parsed.GetValue(CommonOptions.Quiet), parsed.GetValue(Qr));
        await using GatewayServer server = await GatewayServer.StartAsync(pairing.Settings, trust, identity, Say, happened => Say(GatewayLine.Of(happened, DateTimeOffset.UtcNow)));
        Introduce(server, trust, identity, messages);
        pairing.Start(server);
        await Task.WhenAny(interruption.Task, server.Completion);
        if (server.Sessions > 0)
        {
            messages.Note("telling the devices, and waiting a moment for what they have open; Ctrl-C again ends it at once");
        }

        return interruption.ExitCode;
    }

    private static void Introduce(GatewayServer server, TrustStore trust, Identity identity, Messages messages)
    {
        messages.Say($"serving on {string.Join(", ", server.Listening)}; Ctrl-C ends it");
        messages.Say($"the key's hash is {identity.Hash}");
        int devices = trust.Peers.Count(static peer => peer.Kind == PeerKind.Device);
        if (devices > 0)
        {
            messages.Say($"{devices} {(devices == 1 ? "device is" : "devices are")} paired ('culvert devices list'); on one of them: culvert up NAME");
        }
        else if (server.Listening.Any(static place => place.StartsWith("tls:", StringComparison.Ordinal)))
        {
            messages.Say("no device is paired yet, so nobody is served over TLS; 'culvert pair' on the other device, with the code that is shown at this program's terminal");
        }
    }

    private static ServeSettings Read(ParseResult parsed)
    {
        ListenAddress[] listen = [.. (parsed.GetValue(Listen) ?? []).Select(ListenAddress.Parse)];
        ExitUri? via = parsed.GetValue(Via) is { } text ? ExitUri.Parse(text) : null;
        if (via is { Scheme: not (ExitScheme.Direct or ExitScheme.Socks5 or ExitScheme.Http) })
        {
            throw new CulvertException(FailureKind.Usage, $"--via takes a proxy, socks5://… or http://…; '{via}' is none.");
        }

        string name = parsed.GetValue(GatewayName) ?? Environment.MachineName;
        if (!PairName.IsName(name))
        {
            throw new CulvertException(FailureKind.Usage, $"--name: a name has {PairName.Rule}.");
        }

        ServeLimits limits = ServeLimits.Default;
        foreach ((Option<int?> option, _, Func<ServeLimits, int, ServeLimits> set) in Limits)
        {
            limits = parsed.GetValue(option) switch
            {
                null => limits,
                >= 1 and <= 1_000_000 and int number => set(limits, number),
                int number => throw new CulvertException(FailureKind.Usage, $"{option.Name} {number} is out of range; give 1 to 1000000."),
            };
        }

        (string?, string?) outside = (parsed.GetValue(TlsCertificate), parsed.GetValue(TlsKey));
        return new ServeSettings
        {
            OutsideCertificate = outside switch
            {
                (null, null) => null,
                ({ } certificate, { } key) => (certificate, key),
                _ => throw new CulvertException(FailureKind.Usage, "--tls-cert and --tls-key go together."),
            },
            Listen = listen.Length > 0 ? listen : [ListenAddress.Default],
            Via = via,
            RequiredInterface = parsed.GetValue(RequireInterface),
            Rules = InOrder(parsed),
            RulesFile = parsed.GetValue(Rules),
            Name = name,
            Advertise = !parsed.GetValue(NoAdvertise),
            Limits = limits,
        };
    }

    // The parser gives each option's values apart; which of --allow and --deny came first is in the tokens.
    private static List<RuleText> InOrder(ParseResult parsed)
    {
        List<RuleText> rules = [];
        string option = "";
        foreach (Token token in parsed.Tokens)
        {
            if (token.Type == TokenType.Option)
            {
                option = token.Value;
            }
            else if (token.Type == TokenType.Argument && (option == Allow.Name || option == Deny.Name))
            {
                rules.Add(new RuleText(option == Allow.Name, token.Value));
            }
        }

        return rules;
    }

    private static (Option<int?>, Func<ServeLimits, int>, Func<ServeLimits, int, ServeLimits>) Limit(
        string name, string description, Func<ServeLimits, int> get, Func<ServeLimits, int, ServeLimits> set) =>
        (new Option<int?>($"--max-{name}") { Description = $"{description} ({get(ServeLimits.Default)} when left out)", HelpName = "NUMBER" }, get, set);
}
