using System;
using System.Collections.Generic;
using System.Security.Cryptography;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Flows;
using Culvert.Trust;

namespace Culvert.Pairing;

/// <summary>The device's side of one pairing.</summary>
internal sealed record DevicePairing
{
    /// <summary>The hash of our own key.</summary>
    public required KeyHash Device { get; init; }

    /// <summary>The key that the gateway has shown on this connection.</summary>
    public required KeyHash Gateway { get; init; }

    /// <summary>The one-time secret.</summary>
    public required ReadOnlyMemory<byte> Secret { get; init; }

    /// <summary>What we call ourselves, a <see cref="PairName"/>.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// Shows the digits, and says whether the gateway shows the same; at once where the key was known before (from a URI). The gateway's name comes with them. Cancelled when the gateway
    /// has ended the pairing.
    /// </summary>
    public required Func<string, string, CancellationToken, Task<bool>> Compare { get; init; }

    /// <summary>How long it may take, persons included.</summary>
    public TimeSpan Time { get; init; } = PairLimits.Default.Time;

    /// <summary>Pairs over <paramref name="connection"/>, which stays the caller's; returns the gateway's name. The trust store is not touched.</summary>
    /// <exception cref="CulvertException">It did not come about: <see cref="PairingFailures"/>.</exception>
    public ValueTask<string> RunAsync(IConnection connection, CancellationToken cancellation) => Deadline.RunAsync(Time, "The pairing", token => PairAsync(connection, token), cancellation);

    /// <summary>Keeps the gateway where it was reached. One that is known keeps the name that it has here.</summary>
    /// <param name="trust">Where.</param>
    /// <param name="name">What it is to be called, where no other has that name.</param>
    /// <param name="addresses">Where it was reached or says it is, as EXITs, the best first.</param>
    /// <param name="now">The time.</param>
    /// <returns>What it is called.</returns>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/> and others of the store: it is not kept.</exception>
    public TrustedPeer Keep(TrustStore trust, string name, IReadOnlyList<string> addresses, DateTimeOffset now)
    {
        TrustedPeer peer = trust.Find(PeerKind.Gateway, Gateway) is { } known
            ? known with { Added = now, Addresses = addresses }
            : new TrustedPeer { Kind = PeerKind.Gateway, Name = trust.FreeName(PeerKind.Gateway, name), Key = Gateway, Added = now, Addresses = addresses };
        try
        {
            trust.Add(peer);
        }
        catch (CulvertException e)
        {
            throw new CulvertException(e.Kind, $"The gateway knows this device now, but it could not be kept here: {e.Message} Then pair again.", e);
        }

        return peer;
    }

    private async ValueTask<string> PairAsync(IConnection connection, CancellationToken cancellation)
    {
        PairDevice side = new(Device.ToBytes32(), Gateway.ToBytes32(), new Bytes32(RandomNumberGenerator.GetBytes(Bytes32.Size)), Secret.Span, Name);
        PairWire wire = new(connection, side);
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task<bool>? comparing = null;
        bool differ = false;
        try
        {
            while (side.Outcome is null)
            {
                await wire.SendAsync(cancellation).ConfigureAwait(false);
                if (side.State == PairDeviceState.Comparing)
                {
                    comparing ??= Compare(side.Transcript!.Digits, side.GatewayName, over.Token);
                    if (await Task.WhenAny(comparing, wire.Reading).WaitAsync(cancellation).ConfigureAwait(false) == comparing)
                    {
                        differ = !await comparing.ConfigureAwait(false);
                        if (differ)
                        {
                            side.End(VshpReason.Untrusted);
                        }

                        side.Confirm();
                        continue;
                    }
                }

                await wire.Reading.WaitAsync(cancellation).ConfigureAwait(false);
                wire.Take();
            }
        }
        catch (OperationCanceledException)
        {
            side.End(VshpReason.Cancelled);
            throw;
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            if (comparing is not null)
            {
                await ((Task)comparing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            await wire.LeaveAsync().ConfigureAwait(false);
        }

        string gateway = side.GatewayName.Length > 0 ? $"'{side.GatewayName}'" : "the gateway";
        return side.Outcome == VshpReason.None ? side.GatewayName
            : throw (differ ? PairingFailures.OfDigits(gateway) : side.EndedByPeer ? PairingFailures.OfGateway(side.Outcome!.Value, gateway) : PairingFailures.OfDevice(side.Outcome!.Value, gateway));
    }
}
