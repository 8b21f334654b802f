using System;

namespace Culvert.Core.Session;

/// <summary>The gateway's side of a pairing, from the device's PAIR_OFFER on.</summary>
public sealed class PairGateway : PairSide
{
    private readonly Bytes32 _deviceKey;
    private readonly Bytes32 _gatewayKey;
    private readonly PairOffer _offer;
    private readonly Bytes32 _nonce;
    private readonly string _name;

    /// <summary>Begins, with PAIR_ANSWER to be sent.</summary>
    /// <param name="deviceKey">The hash of the key that the device has shown to us.</param>
    /// <param name="gatewayKey">The hash of our key, as we show it.</param>
    /// <param name="offer">What the device began with.</param>
    /// <param name="nonce">32 unpredictable bytes, never used before.</param>
    /// <param name="name">Our name.</param>
    public PairGateway(Bytes32 deviceKey, Bytes32 gatewayKey, in PairOffer offer, Bytes32 nonce, string name)
    {
        _deviceKey = deviceKey;
        _gatewayKey = gatewayKey;
        _offer = offer;
        _nonce = nonce;
        _name = name;
        Span<byte> payload = stackalloc byte[PairAnswer.MaxSize];
        Send(FrameType.PairAnswer, payload[..new PairAnswer(nonce, name).Write(payload)]);
    }

    /// <summary>How far it is.</summary>
    public PairGatewayState State { get; private set; }

    /// <summary>The device's name.</summary>
    public string DeviceName => _offer.Name;

    /// <summary>What the device has given as proof; to be held against <see cref="PairSecrets"/> while <see cref="PairGatewayState.Revealed"/>.</summary>
    public Bytes32 DeviceProof { get; private set; }

    /// <inheritdoc/>
    private protected override bool MayBeDone => false; // only we say so

    /// <summary>The device knows <paramref name="secret"/>: shows that we do too. Only while <see cref="PairGatewayState.Revealed"/>.</summary>
    public void Prove(ReadOnlySpan<byte> secret)
    {
        if (Outcome is null && State == PairGatewayState.Revealed)
        {
            State = PairGatewayState.Comparing;
            Span<byte> payload = stackalloc byte[Bytes32.Size];
            Transcript!.GatewayProof(secret).Write(payload);
            Send(FrameType.PairCheck, payload);
        }
    }

    /// <inheritdoc/>
    private protected override bool TryAct(FrameType type, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case FrameType.PairReveal when State == PairGatewayState.Answered && PairReveal.TryRead(payload, out PairReveal reveal):
                if (PairTranscript.Commitment(_deviceKey, _gatewayKey, reveal.Nonce) != _offer.Commitment)
                {
                    return false; // another nonce, or keys that are not those of this connection
                }

                Transcript = new PairTranscript(_deviceKey, _gatewayKey, reveal.Nonce, _nonce, _offer.Name, _name);
                DeviceProof = reveal.Proof;
                State = PairGatewayState.Revealed;
                return true;
            case FrameType.PairConfirm when State == PairGatewayState.Comparing:
                State = PairGatewayState.Confirmed;
                return true;
            default:
                return false;
        }
    }
}

/// <summary>How far a gateway's side of a pairing is.</summary>
public enum PairGatewayState : byte
{
    /// <summary>PAIR_REVEAL is waited for.</summary>
    Answered,

    /// <summary>The proof is to be checked.</summary>
    Revealed,

    /// <summary>The device knows the secret; persons compare the digits.</summary>
    Comparing,

    /// <summary>The person at the device has.</summary>
    Confirmed,
}
