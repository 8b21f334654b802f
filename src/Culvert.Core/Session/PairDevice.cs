using System;

namespace Culvert.Core.Session;

/// <summary>The device's side of a pairing.</summary>
public sealed class PairDevice : PairSide
{
    private readonly Bytes32 _deviceKey;
    private readonly Bytes32 _gatewayKey;
    private readonly Bytes32 _nonce;
    private readonly byte[] _secret;
    private readonly string _name;
    private Bytes32 _gatewayProof;

    /// <summary>Begins, with PAIR_OFFER to be sent.</summary>
    /// <param name="deviceKey">The hash of our key, as we show it.</param>
    /// <param name="gatewayKey">The hash of the key that the gateway has shown to us.</param>
    /// <param name="nonce">32 unpredictable bytes, never used before.</param>
    /// <param name="secret">The gateway's one-time secret.</param>
    /// <param name="name">Our name.</param>
    public PairDevice(Bytes32 deviceKey, Bytes32 gatewayKey, Bytes32 nonce, ReadOnlySpan<byte> secret, string name)
    {
        _deviceKey = deviceKey;
        _gatewayKey = gatewayKey;
        _nonce = nonce;
        _secret = secret.ToArray();
        _name = name;
        Span<byte> payload = stackalloc byte[PairOffer.MaxSize];
        int length = new PairOffer(Hello.CurrentVersion, PairTranscript.Commitment(deviceKey, gatewayKey, nonce), name).Write(payload);
        Send(FrameType.PairOffer, payload[..length]);
    }

    /// <summary>How far it is.</summary>
    public PairDeviceState State { get; private set; }

    /// <summary>The gateway's name; empty until it has said it.</summary>
    public string GatewayName { get; private set; } = "";

    /// <inheritdoc/>
    private protected override bool MayBeDone => State == PairDeviceState.Confirmed;

    /// <summary>The digits are the same: the gateway is who it says. Only while <see cref="PairDeviceState.Comparing"/>.</summary>
    public void Confirm()
    {
        if (Outcome is null && State == PairDeviceState.Comparing)
        {
            State = PairDeviceState.Confirmed;
            Send(FrameType.PairConfirm, default);
        }
    }

    /// <inheritdoc/>
    private protected override bool TryAct(FrameType type, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case FrameType.PairAnswer when State == PairDeviceState.Offered && PairAnswer.TryRead(payload, out PairAnswer answer):
                Reveal(answer);
                return true;
            case FrameType.PairCheck when State == PairDeviceState.Revealed && payload.Length >= Bytes32.Size:
                if (new Bytes32(payload) == _gatewayProof)
                {
                    State = PairDeviceState.Comparing;
                }
                else
                {
                    End(VshpReason.Untrusted); // it does not know what it should have shown
                }

                return true;
            default:
                return false;
        }
    }

    private void Reveal(in PairAnswer answer)
    {
        GatewayName = answer.Name;
        Transcript = new PairTranscript(_deviceKey, _gatewayKey, _nonce, answer.Nonce, _name, answer.Name);
        _gatewayProof = Transcript.GatewayProof(_secret);
        Span<byte> payload = stackalloc byte[PairReveal.Size];
        new PairReveal(_nonce, Transcript.DeviceProof(_secret)).Write(payload);
        Send(FrameType.PairReveal, payload);
        State = PairDeviceState.Revealed;
    }
}

/// <summary>How far a device's side of a pairing is.</summary>
public enum PairDeviceState : byte
{
    /// <summary>PAIR_ANSWER is waited for.</summary>
    Offered,

    /// <summary>PAIR_CHECK is waited for.</summary>
    Revealed,

    /// <summary>The gateway knows the secret; the person compares the digits.</summary>
    Comparing,

    /// <summary>The person has; PAIR_DONE is waited for.</summary>
    Confirmed,
}
