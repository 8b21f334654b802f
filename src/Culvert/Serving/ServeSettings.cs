using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Pairing;

namespace Culvert.Serving;

/// <summary>What a gateway should be like.</summary>
public sealed record ServeSettings
{
    /// <summary>Where it listens.</summary>
    public IReadOnlyList<ListenAddress> Listen { get; init; } = [ListenAddress.Default];

    /// <summary>The proxy through which what devices ask for leaves; null for this machine's own network.</summary>
    public ExitUri? Via { get; init; }

    /// <summary>The interface that everything has to leave by (a shared VPN's); null for what the machine's routes say.</summary>
    public string? RequiredInterface { get; init; }

    /// <summary>Rules for what devices may reach, in their order; a device's own come before them.</summary>
    public IReadOnlyList<RuleText> Rules { get; init; } = [];

    /// <summary>A file of more rules, behind those; followed as it changes. Null for none.</summary>
    public string? RulesFile { get; init; }

    /// <summary>What people call the gateway.</summary>
    public required string Name { get; init; }

    /// <summary>The machine's links are told of it.</summary>
    public bool Advertise { get; init; } = true;

    /// <summary>
    /// Opens a connection to a web server, in the clear: the one that everybody on the TLS port meets who is no device. Null closes their connection behind the handshake.
    /// </summary>
    public Func<CancellationToken, ValueTask<IConnection>>? Decoy { get; init; }

    /// <summary>A normal certificate, and its key, for whoever on the TLS port is no device; null for one of our own making.</summary>
    public (string Certificate, string Key)? OutsideCertificate { get; init; }

    /// <summary>Asks the owner whether a device may be trusted that knows the one-time code; null pairs nobody.</summary>
    public Func<PairingRequest, CancellationToken, Task<bool>>? Approve { get; init; }

    /// <summary>Told when the code that is shown is void by what somebody did.</summary>
    public Action CodeVoid { get; init; } = static () => { };

    /// <summary>What strangers and devices may cost.</summary>
    public ServeLimits Limits { get; init; } = ServeLimits.Default;
}

/// <summary>Rules as people write them (<c>--allow</c>, <c>--deny</c>).</summary>
/// <param name="Allows">They allow; else they deny.</param>
/// <param name="Text">The rules, with commas between.</param>
public readonly record struct RuleText(bool Allows, string Text);
