using System;
using System.Collections.Generic;
using Culvert.Core.Packets;

namespace Culvert.Core.Session;

/// <summary>
/// The one-time secret that a gateway shows, in its two forms, and who has tried it how often. At most one is good at a time. Times are microseconds of any clock that only
/// goes forward. For use by one at a time.
/// </summary>
public sealed class PairSecrets(PairLimits limits)
{
    // Those from before are known for a while, so that who comes too late hears so.
    private const int Remembered = 4;

    private readonly List<byte[]> _void = [];
    private readonly Dictionary<UInt128, Visitor> _visitors = [];
    private byte[][] _forms = [];
    private long _until;
    private int _failed;
    private int _underWay;

    /// <summary>Counts the secrets: an approval for one is none for the next.</summary>
    public int Number { get; private set; }

    /// <summary>Shows a new secret in these forms; the one before is void.</summary>
    public void Open(long now, params byte[][] forms)
    {
        Close();
        Number++;
        _forms = forms;
        _until = now + (long)limits.Life.TotalMicroseconds;
        _failed = 0;
        foreach (Visitor visitor in _visitors.Values)
        {
            visitor.Failed = 0;
        }

        Forget();
    }

    /// <summary>Makes the secret void: it has paired a device, or nobody shows it any more.</summary>
    public void Close()
    {
        _void.AddRange(_forms);
        _void.RemoveRange(0, Math.Max(0, _void.Count - (2 * Remembered)));
        _forms = [];
    }

    /// <summary>Whether a secret is good now.</summary>
    public bool IsOpen(long now)
    {
        if (_forms.Length > 0 && (now >= _until || _failed >= limits.Attempts))
        {
            Close();
        }

        return _forms.Length > 0;
    }

    /// <summary>Begins a pairing; <see cref="VshpReason.None"/>, or why not. Each that began is ended by <see cref="End"/>.</summary>
    /// <param name="from">The address it is from; null where there are none.</param>
    /// <param name="now">The time.</param>
    public VshpReason TryBegin(IpAddr? from, long now)
    {
        if (!IsOpen(now))
        {
            return VshpReason.PairingExpired;
        }

        Visitor? visitor = null;
        if (_underWay >= limits.UnderWay
            || (from is { } address && _visitors.TryGetValue(Key(address), out visitor) && (visitor.UnderWay >= limits.UnderWayPerAddress || visitor.Failed >= limits.AttemptsPerAddress)))
        {
            return VshpReason.LimitReached;
        }

        _underWay++;
        if (from is { } known)
        {
            visitor ??= _visitors[Key(known)] = new Visitor();
            visitor.UnderWay++;
        }

        return VshpReason.None;
    }

    /// <summary>Ends what began; an attempt is used up where it was not to be told from a guess.</summary>
    public void End(IpAddr? from, bool failed)
    {
        _underWay--;
        _failed += failed ? 1 : 0;
        if (from is { } address)
        {
            Visitor visitor = _visitors[Key(address)];
            visitor.UnderWay--;
            visitor.Failed += failed ? 1 : 0;
            Forget();
        }
    }

    /// <summary>Holds a device's proof against the secrets: <see cref="VshpReason.None"/> and the form that it knows, or what is wrong. Takes the same time for each.</summary>
    public VshpReason Check(PairTranscript transcript, Bytes32 proof, long now, out byte[] secret)
    {
        IsOpen(now); // one that is too old is void
        byte[]? known = null;
        foreach (byte[] form in _forms)
        {
            known = transcript.DeviceProof(form) == proof ? form : known;
        }

        bool late = false;
        foreach (byte[] form in _void)
        {
            late |= transcript.DeviceProof(form) == proof;
        }

        secret = known ?? [];
        return known is not null ? VshpReason.None : late || _forms.Length == 0 ? VshpReason.PairingExpired : VshpReason.PairingSecret;
    }

    private static UInt128 Key(IpAddr address) => address.IsV4 ? address.Bits : address.Bits >> 64 << 64;

    private void Forget()
    {
        foreach ((UInt128 key, Visitor visitor) in _visitors)
        {
            if (visitor is { UnderWay: 0, Failed: 0 })
            {
                _visitors.Remove(key); // allowed during enumeration
            }
        }
    }

    private sealed class Visitor
    {
        public int UnderWay;
        public int Failed;
    }
}
