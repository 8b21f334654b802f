using System;

namespace Culvert.Core.Session;

/// <summary>PAIR_OFFER: the device commits itself to a nonce, and says its name (docs/protocol.md, Pairing).</summary>
/// <param name="Version">1.</param>
/// <param name="Commitment">32 bytes.</param>
/// <param name="Name">The device's name, a name (<see cref="PairName"/>).</param>
public readonly record struct PairOffer(byte Version, Bytes32 Commitment, string Name)
{
    /// <summary>Bytes of the longest payload.</summary>
    public const int MaxSize = 5 + Bytes32.Size + 1 + PairName.MaxSize;

    /// <summary>Reads the payload.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out PairOffer offer)
    {
        offer = default;
        if (payload.Length < 6 + Bytes32.Size || !payload.StartsWith(Hello.Magic) || payload[4] != Hello.CurrentVersion || !PairName.TryRead(payload[37..], out string name))
        {
            return false;
        }

        offer = new PairOffer(payload[4], new Bytes32(payload[5..37]), name);
        return true;
    }

    /// <summary>Writes the payload and returns its length.</summary>
    public int Write(Span<byte> payload)
    {
        Hello.Magic.CopyTo(payload);
        payload[4] = Version;
        Commitment.Write(payload[5..]);
        return 37 + PairName.Write(Name, payload[37..]);
    }
}

/// <summary>PAIR_ANSWER: the gateway's nonce and name.</summary>
/// <param name="Nonce">32 unpredictable bytes.</param>
/// <param name="Name">The gateway's name, a name (<see cref="PairName"/>).</param>
public readonly record struct PairAnswer(Bytes32 Nonce, string Name)
{
    /// <summary>Bytes of the longest payload.</summary>
    public const int MaxSize = Bytes32.Size + 1 + PairName.MaxSize;

    /// <summary>Reads the payload.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out PairAnswer answer)
    {
        answer = default;
        if (payload.Length < Bytes32.Size + 1 || !PairName.TryRead(payload[Bytes32.Size..], out string name))
        {
            return false;
        }

        answer = new PairAnswer(new Bytes32(payload), name);
        return true;
    }

    /// <summary>Writes the payload and returns its length.</summary>
    public int Write(Span<byte> payload)
    {
        Nonce.Write(payload);
        return Bytes32.Size + PairName.Write(Name, payload[Bytes32.Size..]);
    }
}

/// <summary>PAIR_REVEAL: the device's nonce and proof.</summary>
/// <param name="Nonce">What the commitment was to.</param>
/// <param name="Proof">That the device knows the secret.</param>
public readonly record struct PairReveal(Bytes32 Nonce, Bytes32 Proof)
{
    /// <summary>Bytes of the payload.</summary>
    public const int Size = 2 * Bytes32.Size;

    /// <summary>Reads the payload.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out PairReveal reveal)
    {
        bool whole = payload.Length >= Size;
        reveal = whole ? new PairReveal(new Bytes32(payload), new Bytes32(payload[Bytes32.Size..])) : default;
        return whole;
    }

    /// <summary>Writes the payload and returns its length.</summary>
    public int Write(Span<byte> payload)
    {
        Nonce.Write(payload);
        Proof.Write(payload[Bytes32.Size..]);
        return Size;
    }
}
