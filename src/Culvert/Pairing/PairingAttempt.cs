using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Transports;
using Culvert.Trust;

namespace Culvert.Pairing;

/// <summary>Makes this device and a gateway known to each other: reaches it, speaks to it, and keeps it.</summary>
public sealed record PairingAttempt
{
    /// <summary>With whom.</summary>
    public required PairTarget Target { get; init; }

    /// <summary>The one-time secret that it shows (<see cref="PairUri.Secret"/>, <see cref="PairCode"/>).</summary>
    public required ReadOnlyMemory<byte> Secret { get; init; }

    /// <summary>What this device is to be called there, a <see cref="PairName"/>.</summary>
    public required string Name { get; init; }

    /// <summary>What the gateway is to be called here; null for what it calls itself.</summary>
    public string? NameHere { get; init; }

    /// <summary>
    /// Shows six digits, given with the gateway's name, and says whether the gateway shows the same; at once where <see cref="PairTarget.Key"/> was known. Cancelled when the gateway has ended
    /// the pairing.
    /// </summary>
    public required Func<string, string, CancellationToken, Task<bool>> Compare { get; init; }

    /// <summary>Pairs, and returns the gateway as it is kept in <paramref name="trust"/>.</summary>
    /// <param name="by">What opens connections.</param>
    /// <param name="identity">Who we are.</param>
    /// <param name="trust">Where the gateway is kept; nothing is changed there before both sides have said yes.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="CulvertException">
    /// It did not come about: <see cref="FailureKind.ExitUnreachable"/>, <see cref="FailureKind.Untrusted"/> (another key, a wrong or old code, digits that differ),
    /// <see cref="FailureKind.Authentication"/> (somebody said no), and others.
    /// </exception>
    public async Task<TrustedPeer> RunAsync(IExit by, Identity identity, TrustStore trust, CancellationToken cancellation)
    {
        await using TlsConnection connection = await DialAsync(by, identity, cancellation).ConfigureAwait(false);
        DevicePairing pairing = new()
        {
            Device = identity.Hash,
            Gateway = connection.Peer ?? throw new CulvertException(FailureKind.Protocol, $"{Target.Name} has shown no key."),
            Secret = Secret,
            Name = Name,
            Compare = Compare,
        };
        string name = await pairing.RunAsync(connection, cancellation).ConfigureAwait(false);

        // Addresses of one link mean nothing on the next: they are kept only where there are no others.
        Destination[] lasting = [.. Target.Addresses.Where(static a => a.Address is not { IsIPv6LinkLocal: true })];
        return pairing.Keep(trust, NameHere ?? name, [.. (lasting.Length > 0 ? lasting : Target.Addresses).Select(static a => $"tls://{a}")], DateTimeOffset.UtcNow);
    }

    private async ValueTask<TlsConnection> DialAsync(IExit by, Identity identity, CancellationToken cancellation)
    {
        IReadOnlyList<Destination> addresses = Target.Addresses;
        TlsClientOptions options = new() { Pin = Target.Key, AnyKey = Target.Key is null, Identity = identity };
        try
        {
            return (TlsConnection)await HappyEyeballs.RaceAsync(
                addresses.Count,
                async (i, token) => await new TlsTransport(new TcpTransport(by, addresses[i]), options).OpenAsync(token).ConfigureAwait(false),
                $"Reaching {Target.Name}",
                cancellation).ConfigureAwait(false);
        }
        catch (CulvertException e) when (e.Kind is not FailureKind.Untrusted)
        {
            throw new CulvertException(FailureKind.ExitUnreachable, $"{Target.Name} cannot be reached: {e.Message}", e);
        }
    }
}
