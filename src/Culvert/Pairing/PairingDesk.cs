using System;
using System.Net;
using System.Security.Cryptography;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Core.Session;
using Culvert.Flows;
using Culvert.Trust;

namespace Culvert.Pairing;

/// <summary>
/// The gateway's side of pairing: shows one-time secrets, hears those who know one, has them approved, and keeps them in the trust store. For use from many threads.
/// </summary>
internal sealed class PairingDesk : IDisposable
{
    private readonly KeyHash _key;
    private readonly TrustStore _trust;
    private readonly PairingDeskOptions _options;
    private readonly Lock _lock = new();
    private readonly PairSecrets _secrets;
    private readonly SemaphoreSlim _asking = new(1);
    private bool _isShown;

    /// <summary>A desk that shows nothing yet.</summary>
    /// <param name="key">The gateway's own key, as devices see it.</param>
    /// <param name="trust">Where approved devices go; stays its maker's.</param>
    /// <param name="options">How it pairs.</param>
    public PairingDesk(KeyHash key, TrustStore trust, PairingDeskOptions options)
    {
        _key = key;
        _trust = trust;
        _options = options;
        _secrets = new PairSecrets(options.Limits);
    }

    private long Now => _options.Clock.GetTimestamp() / (_options.Clock.TimestampFrequency / 1_000_000);

    /// <summary>Shows a new secret; the one before is void.</summary>
    public PairingInvitation Invite()
    {
        byte[] secret = RandomNumberGenerator.GetBytes(PairUri.SecretSize);
        string code = PairCode.Make(RandomNumberGenerator.GetBytes(PairCode.RandomSize));
        PairCode.TryRead(code, out byte[] typed);
        lock (_lock)
        {
            _secrets.Open(Now, secret, typed);
            _isShown = true;
        }

        return PairingInvitation.Make(_key, _options.Name, _options.Addresses(), secret, code, _options.Clock.GetUtcNow() + _options.Limits.Life);
    }

    /// <summary>Serves a device that has begun with PAIR_OFFER, until the pairing is over; the connection stays the caller's. Never fails for what the other side does.</summary>
    /// <param name="connection">Where the device is.</param>
    /// <param name="device">The key that it has shown, and proved to have.</param>
    /// <param name="from">Its address; null where there are none.</param>
    /// <param name="offer">What it began with.</param>
    /// <param name="rest">What came behind that.</param>
    /// <param name="cancellation">The gateway stops.</param>
    /// <returns>How it ended; <see cref="VshpReason.None"/>: paired.</returns>
    public async Task<VshpReason> ServeAsync(IConnection connection, KeyHash device, IPAddress? from, PairOffer offer, ReadOnlyMemory<byte> rest, CancellationToken cancellation)
    {
        IpAddr? address = from is null ? null : IpAddr.From(from);
        PairGateway side = new(device.ToBytes32(), _key.ToBytes32(), offer, new Bytes32(RandomNumberGenerator.GetBytes(Bytes32.Size)), _options.Name);
        PairWire wire = new(connection, side);
        VshpReason refusal;
        lock (_lock)
        {
            refusal = _secrets.TryBegin(address, Now);
        }

        if (refusal != VshpReason.None)
        {
            side.TakeOutput(); // no answer: it gains nothing, and loses no attempt
            side.End(refusal);
            await wire.LeaveAsync().ConfigureAwait(false);
            return refusal;
        }

        try
        {
            side.Receive(rest.Span);
            await Deadline.RunAsync(_options.Limits.Time, "The pairing", token => PairAsync(wire, side, device, from, token), cancellation).ConfigureAwait(false);
        }
        catch (CulvertException e) when (e.Kind == FailureKind.TimedOut)
        {
            side.End(VshpReason.TimedOut);
        }
        catch (OperationCanceledException)
        {
            side.End(VshpReason.ShuttingDown);
        }
        finally
        {
            Leave(address, side);
        }

        await wire.LeaveAsync().ConfigureAwait(false);
        return side.Outcome!.Value;
    }

    /// <inheritdoc/>
    public void Dispose() => _asking.Dispose();

    private static string Name(PairGateway side, IPAddress? from) => from is null ? $"'{side.DeviceName}'" : $"'{side.DeviceName}' ({from})";

    private async ValueTask<bool> PairAsync(PairWire wire, PairGateway side, KeyHash device, IPAddress? from, CancellationToken cancellation)
    {
        using CancellationTokenSource gone = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task<VshpReason>? approval = null;
        bool approved = false;
        try
        {
            while (side.Outcome is null)
            {
                if (side.State == PairGatewayState.Revealed)
                {
                    int number = Check(side);
                    approval = side.Outcome is null ? ApproveAsync(side, device, from, number, gone.Token) : null;
                }
                else if (approved && side.State == PairGatewayState.Confirmed)
                {
                    Accept(side, device, from);
                }

                await wire.SendAsync(cancellation).ConfigureAwait(false);
                if (side.Outcome is not null)
                {
                    break;
                }

                if (approval is not null && await Task.WhenAny(approval, wire.Reading).WaitAsync(cancellation).ConfigureAwait(false) == approval)
                {
                    VshpReason refusal = await approval.ConfigureAwait(false);
                    approval = null;
                    approved = refusal == VshpReason.None;
                    if (!approved)
                    {
                        side.End(refusal);
                    }
                }
                else
                {
                    await wire.Reading.WaitAsync(cancellation).ConfigureAwait(false);
                    wire.Take();
                }
            }
        }
        finally
        {
            await gone.CancelAsync().ConfigureAwait(false);
            if (approval is not null)
            {
                await ((Task)approval).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        return true;
    }

    /// <summary>Holds the proof against the secrets; returns the number of the secret that the device knows.</summary>
    private int Check(PairGateway side)
    {
        lock (_lock)
        {
            VshpReason reason = _secrets.Check(side.Transcript!, side.DeviceProof, Now, out byte[] secret);
            if (reason == VshpReason.None)
            {
                side.Prove(secret);
            }
            else
            {
                side.End(reason);
            }

            return _secrets.Number;
        }
    }

    /// <summary>Has it approved, when it is its turn; <see cref="VshpReason.None"/>, or why not.</summary>
    private async Task<VshpReason> ApproveAsync(PairGateway side, KeyHash device, IPAddress? from, int number, CancellationToken cancellation)
    {
        await _asking.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (!IsGood(number))
            {
                return VshpReason.PairingExpired; // another device was paired while this one waited
            }

            bool approved = await _options.Approve(new PairingRequest(side.DeviceName, device, from, side.Transcript!.Digits), cancellation).ConfigureAwait(false);
            lock (_lock)
            {
                _secrets.Close(); // decided: used, or known to somebody who should not know it
            }

            return approved ? VshpReason.None : VshpReason.PairingDeclined;
        }
        finally
        {
            _asking.Release();
        }
    }

    private bool IsGood(int number)
    {
        lock (_lock)
        {
            return _secrets.Number == number && _secrets.IsOpen(Now);
        }
    }

    /// <summary>Keeps the device, and only then says that it is paired.</summary>
    private void Accept(PairGateway side, KeyHash device, IPAddress? from)
    {
        DateTimeOffset now = _options.Clock.GetUtcNow();
        try
        {
            // One that is known keeps its name and its rules: only its owner has asked again.
            if (_trust.Find(PeerKind.Device, device) is { } known)
            {
                _trust.Add(known with { Added = now });
            }
            else
            {
                _trust.Add(new TrustedPeer { Kind = PeerKind.Device, Name = _trust.FreeName(PeerKind.Device, side.DeviceName), Key = device, Added = now });
            }

            side.End(VshpReason.None);
            _options.Say($"{Name(side, from)} is paired.");
        }
        catch (CulvertException e)
        {
            side.End(VshpReason.LimitReached);
            _options.Say($"{Name(side, from)} was not paired: {e.Message}");
        }
    }

    /// <summary>What an end means for the secret.</summary>
    private void Leave(IpAddr? address, PairGateway side)
    {
        bool closed;
        lock (_lock)
        {
            _secrets.End(address, failed: side.Outcome != VshpReason.None);
            if (side.Outcome == VshpReason.Untrusted && side.State >= PairGatewayState.Comparing)
            {
                _secrets.Close(); // somebody in between knows it
            }

            closed = _isShown && !_secrets.IsOpen(Now);
            _isShown &= !closed;
        }

        if (side.Outcome is not (VshpReason.None or VshpReason.LimitReached))
        {
            _options.Say($"'{side.DeviceName}' was not paired: {Describe(side)}.");
        }

        if (closed)
        {
            _options.Closed();
        }
    }

    private static string Describe(PairGateway side) => side.Outcome switch
    {
        VshpReason.PairingSecret => "it does not know the code",
        VshpReason.PairingExpired => "its code is good no more",
        VshpReason.PairingDeclined => "it was refused here",
        VshpReason.Untrusted => "its owner sees other digits, so somebody stands in between",
        VshpReason.TimedOut => "it took too long",
        VshpReason.ShuttingDown => "the gateway is being stopped",
        VshpReason.Reset or VshpReason.Cancelled => "it went away",
        _ => "it does not speak as a device does",
    };
}
