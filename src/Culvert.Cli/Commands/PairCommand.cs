using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Discovery;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Pairing;
using Culvert.Platform.Linux;
using Culvert.Trust;

namespace Culvert.Cli.Commands;

/// <summary><c>culvert pair GATEWAY</c>: makes this device and a gateway known to each other, once.</summary>
internal static class PairCommand
{
    public const string Name = "pair";

    private const string TlsScheme = "tls://";

    private static readonly Argument<string> Gateway = new("GATEWAY")
    {
        Description = "Its name or its code, where it is on this network; the culvert://pair… that it shows; or tls://HOST:PORT",
    };

    private static readonly Option<string?> Code = new("--code") { Description = "The code that the gateway shows (asked for when left out)", HelpName = "CODE" };

    private static readonly Option<string?> Here = new("--name") { Description = "What the gateway is to be called here (what it calls itself when left out)", HelpName = "NAME" };

    private static readonly Option<string?> There = new("--as") { Description = "What this device is to be called there (this machine's name when left out)", HelpName = "NAME" };

    public static Command Declaration { get; } = Declare();

    private static Command Declare()
    {
        Command command = new(Name, "Pair this device with a gateway, once; both screens then show the same six digits")
        {
            Gateway, Code, Here, There, CommonOptions.Via, CommonOptions.Verbose, CommonOptions.Quiet,
        };
        command.SetAction(static (parsed, _) => RunAsync(parsed));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed)
    {
        Messages messages = CommonOptions.MessagesFor(parsed);
        string own = CheckName(There, parsed.GetValue(There)) ?? (PairName.IsName(Environment.MachineName) ? Environment.MachineName : "device");
        string? here = CheckName(Here, parsed.GetValue(Here));
        using Interruption interruption = new();
        using Keyboard? keyboard = Console.IsErrorRedirected ? null : Keyboard.Open();
        using LiveLine line = new();
        Dialogue dialogue = new(keyboard, line);
        try
        {
            (PairTarget target, ReadOnlyMemory<byte> secret) = await FindAsync(parsed, dialogue, messages, interruption.Token);
            if (target.Key is null && keyboard is null)
            {
                throw new CulvertException(
                    FailureKind.Usage, "With a code, a person has to compare six digits, and there is no terminal to ask at. Without one, pair with the culvert://pair… that the gateway shows.");
            }

            using TrustStore trust = OwnKeys.OpenStore(messages.Say);
            using Identity identity = OwnKeys.LoadIdentity();
            await using IExit by = ExitFactory.Create(parsed.GetValue(CommonOptions.Via) is { } via ? ExitUri.Parse(via) : ExitUri.Parse("direct:"), ExitOptions.Default with { MaxSpares = 0 });
            line.Show($"Reaching {target.Name}…");
            PairingAttempt attempt = new()
            {
                Target = target,
                Secret = secret,
                Name = own,
                NameHere = here,
                Compare = (digits, gateway, cancellation) => CompareAsync(dialogue, digits, gateway, target.Key is not null, cancellation),
            };
            TrustedPeer peer = await attempt.RunAsync(by, identity, trust, interruption.Token);
            line.Dispose();
            messages.Say($"paired with '{peer.Name}'. From now on: culvert run {Quote(peer.Name)} -- COMMAND   (also up, proxy)");
            return ExitCodes.Ok;
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            return interruption.ExitCode;
        }
    }

    /// <summary>Shows the digits. Whom a URI names, its key has said; else the person does.</summary>
    private static async Task<bool> CompareAsync(Dialogue dialogue, string digits, string gateway, bool isKnown, CancellationToken cancellation)
    {
        string spaced = PairingRequest.Spaced(digits);
        if (isKnown)
        {
            dialogue.Say($"the digits are {spaced}; somebody at '{gateway}' has to see the same and say yes");
        }
        else
        {
            dialogue.Say($"the digits are {spaced}");
            if (await dialogue.AskAsync($"Does '{gateway}' show the same digits? [y/N] ", cancellation) is not { } answer || answer.Trim().ToUpperInvariant() is not ("Y" or "YES"))
            {
                return false;
            }
        }

        dialogue.Show($"Waiting for somebody at '{gateway}' to say yes…");
        return true;
    }

    private static async Task<(PairTarget Target, ReadOnlyMemory<byte> Secret)> FindAsync(ParseResult parsed, Dialogue dialogue, Messages messages, CancellationToken cancellation)
    {
        string wanted = parsed.GetValue(Gateway)!;
        string? code = parsed.GetValue(Code);
        if (PairUri.IsMeant(wanted))
        {
            return PairUri.TryParse(wanted, out PairUri uri, out string problem)
                ? (new PairTarget($"'{uri.Name}'", [.. uri.Addresses.Select(At)], uri.Key.ToKeyHash()), uri.Secret)
                : throw new CulvertException(FailureKind.Usage, $"This is no address for pairing: {problem}.");
        }

        PairTarget target;
        if (wanted.StartsWith(TlsScheme, StringComparison.Ordinal))
        {
            target = PairUri.TrySplit(wanted[TlsScheme.Length..].TrimEnd('/'), out _, out _)
                ? new PairTarget(wanted, [At(wanted[TlsScheme.Length..].TrimEnd('/'))], null)
                : throw new CulvertException(FailureKind.Usage, $"'{wanted}' is no {TlsScheme}HOST:PORT.");
        }
        else
        {
            dialogue.Show("Looking for gateways on this network…");
            (target, bool isCode) = Choose(wanted, await NearbyCommand.FindAsync(messages.Say, cancellation));
            code = isCode ? wanted : code;
        }

        code ??= await dialogue.AskAsync($"The code that {target.Name} shows: ", cancellation)
            ?? throw new CulvertException(FailureKind.Usage, "The code that the gateway shows is needed: --code CODE.");
        return PairCode.TryRead(code, out byte[] secret) ? (target, secret)
            : throw new CulvertException(FailureKind.Usage, "A code has eight letters and digits, like K7QM-2X94.");
    }

    /// <summary>The gateway of this name; or, for a code, the only one that there is.</summary>
    internal static (PairTarget Target, bool IsCode) Choose(string wanted, IReadOnlyList<FoundGateway> found)
    {
        FoundGateway[] usable = [.. found.Where(static g => g.Endpoints.Count > 0 && PairName.IsName(g.Name))];
        FoundGateway? named = usable.FirstOrDefault(g => g.Name.Equals(wanted, StringComparison.OrdinalIgnoreCase));
        string there = usable.Length > 0 ? $"There are {string.Join(", ", usable.Select(static g => $"'{g.Name}'"))}." : "No gateway tells this network of itself.";
        bool isCode = named is null && PairCode.TryRead(wanted, out _);
        FoundGateway chosen = named
            ?? (!isCode ? throw new CulvertException(FailureKind.ExitUnreachable, $"There is no gateway '{wanted}' on this network. {there} One that is elsewhere shows a culvert://pair… to pair with.")
            : usable.Length == 1 ? usable[0]
            : throw new CulvertException(
                usable.Length == 0 ? FailureKind.ExitUnreachable : FailureKind.Usage,
                usable.Length == 0 ? there : $"Which gateway shows this code? {there} Say culvert pair NAME --code {wanted}."));
        return (new PairTarget($"'{chosen.Name}'", [.. chosen.Endpoints.OrderBy(static e => e.Address.IsIPv6LinkLocal).Select(static e => new Destination(e.Address, e.Port))], null), isCode);
    }

    private static Destination At(string address)
    {
        PairUri.TrySplit(address, out string host, out ushort port);
        return new Destination(host, port);
    }

    private static string? CheckName(Option<string?> option, string? name) => name is null || PairName.IsName(name) ? name
        : throw new CulvertException(FailureKind.Usage, $"{option.Name}: a name has {PairName.Rule}.");

    private static string Quote(string name) =>
        name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') ? name : $"'{name.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>The person at the terminal.</summary>
    private sealed class Dialogue(Keyboard? keyboard, LiveLine line)
    {
        public void Show(string text) => line.Show(text);

        public void Say(string text) => line.Above(() => Messages.Error(text));

        /// <summary>The answer; null when there is none, or nobody to ask.</summary>
        public async Task<string?> AskAsync(string question, CancellationToken cancellation)
        {
            if (keyboard is null)
            {
                return null;
            }

            keyboard.Discard();
            line.Show(question);
            try
            {
                return await keyboard.ReadLineAsync(cancellation);
            }
            finally
            {
                line.Show("");
            }
        }
    }
}
