using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;
using Culvert.Core.Session;
using Culvert.Tests.Unit.Session;

namespace Culvert.Fuzz.Targets;

/// <summary>
/// Pairing: what a device or a gateway says is changed on its way, and each side is held against a model that knows only the order of frames and what is in them: nobody is paired by anything but the
/// frames of the other side, whole, in order, wherever they were cut. The URI and the code that were read say the same when they are written.
/// </summary>
internal sealed class PairingTarget : IFuzzTarget
{
    private static readonly Bytes32 DeviceKey = Of(1);
    private static readonly Bytes32 GatewayKey = Of(2);
    private static readonly Bytes32 DeviceNonce = Of(3);
    private static readonly Bytes32 GatewayNonce = Of(4);
    private static readonly byte[] Secret = "04HMASW9"u8.ToArray();
    private static readonly PairTranscript Transcript = new(DeviceKey, GatewayKey, DeviceNonce, GatewayNonce, "laptop", "home");
    private static readonly PairOffer Offer = new(1, PairTranscript.Commitment(DeviceKey, GatewayKey, DeviceNonce), "laptop");
    private static readonly byte[] ToDevice =
    [
        .. VectorFrame.Encode($"PAIR_ANSWER nonce={Hex(GatewayNonce)} name=home"), .. VectorFrame.Encode($"PAIR_CHECK proof={Hex(Transcript.GatewayProof(Secret))}"), .. VectorFrame.Encode("PAIR_DONE reason=None"),
    ];

    private static readonly byte[] ToGateway =
    [
        .. VectorFrame.Encode($"PAIR_REVEAL nonce={Hex(DeviceNonce)} proof={Hex(Transcript.DeviceProof(Secret))}"), .. VectorFrame.Encode("PAIR_CONFIRM"),
    ];

    private const string Sample = "culvert://pair?key=MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM&secret=RERERERERERERERERERERA&until=1795204800&name=K%C3%BCche&at=192.0.2.7:7443&at=[2001:db8::7]:7443";

    private FuzzRandom _random;

    private PairingTarget(ulong seed) => _random = new FuzzRandom(seed);

    public static FuzzTarget Entry { get; } = new("pairing", "pairing: both sides of the dialogue, its URI and its code, each against a model", Corpus, static seed => new PairingTarget(seed));

    public void Run(ReadOnlySpan<byte> input)
    {
        RunDevice(input);
        RunGateway(input);
        RunText(Encoding.Latin1.GetString(input));
    }

    public void Finish()
    {
        // Nothing is kept from one input to the next.
    }

    private static List<byte[]> Corpus() => [ToDevice, ToGateway, Encoding.ASCII.GetBytes(Sample), [.. "K7QM-2X94"u8], VectorFrame.Encode("PAIR_DONE reason=PairingDeclined")];

    private static Bytes32 Of(byte each)
    {
        Span<byte> bytes = stackalloc byte[Bytes32.Size];
        bytes.Fill(each);
        return new Bytes32(bytes);
    }

    private static byte[] Bytes(Bytes32 value)
    {
        byte[] bytes = new byte[Bytes32.Size];
        value.Write(bytes);
        return bytes;
    }

    private static string Hex(Bytes32 value) => Convert.ToHexStringLower(Bytes(value));

    /// <summary>The outcome of frames that a side is to have in this order; what is read of each says whether it is right. Written from docs/protocol.md alone.</summary>
    private static VshpReason? Expected(ReadOnlySpan<byte> bytes, bool mayBeDone, params Func<byte, byte[], VshpReason>[] turns)
    {
        int turn = 0;
        while (bytes.Length >= 8)
        {
            byte type = bytes[0];
            int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
            if (BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]) != 0 || length > 1_024 - 8)
            {
                return VshpReason.Protocol;
            }

            if (bytes.Length < 8 + length)
            {
                return null;
            }

            byte[] payload = bytes.Slice(8, length).ToArray();
            bytes = bytes[(8 + length)..];
            if (type == 0x95)
            {
                int number = length < 2 ? 2 : (payload[0] << 8) | payload[1];
                return number == 0 ? (mayBeDone && turn == turns.Length ? VshpReason.None : VshpReason.Protocol) : number > 26 ? VshpReason.Reset : (VshpReason)number;
            }

            VshpReason wrong = turn < turns.Length ? turns[turn++](type, payload) : VshpReason.Protocol;
            if (wrong != VshpReason.None)
            {
                return wrong;
            }
        }

        return null;
    }

    private static bool IsName(byte[] payload, int at)
    {
        if (payload.Length <= at || payload[at] is 0 or > 63 || payload.Length < at + 1 + payload[at] || !System.Text.Unicode.Utf8.IsValid(payload.AsSpan(at + 1, payload[at])))
        {
            return false;
        }

        return PairName.IsName(Encoding.UTF8.GetString(payload, at + 1, payload[at]));
    }

    private void RunDevice(ReadOnlySpan<byte> input)
    {
        PairTranscript? transcript = null;
        VshpReason? expected = Expected(
            input,
            mayBeDone: true,
            (type, payload) =>
            {
                if (type != 0x91 || !IsName(payload, 32))
                {
                    return VshpReason.Protocol;
                }

                transcript = new PairTranscript(DeviceKey, GatewayKey, DeviceNonce, new Bytes32(payload), "laptop", Encoding.UTF8.GetString(payload, 33, payload[32]));
                return VshpReason.None;
            },
            (type, payload) => type != 0x93 || payload.Length < 32 ? VshpReason.Protocol
                : payload.AsSpan(0, 32).SequenceEqual(Bytes(transcript!.GatewayProof(Secret))) ? VshpReason.None : VshpReason.Untrusted);
        PairDevice device = new(DeviceKey, GatewayKey, DeviceNonce, Secret, "laptop");
        Feed(device, input, () =>
        {
            if (device.State == PairDeviceState.Comparing && device.Outcome is null)
            {
                Expect.That(device.Transcript!.Digits == transcript!.Digits, "digits are those of what came");
                device.Confirm();
            }
        });
        Expect.That(device.Outcome == expected, $"the device comes to {expected}, and came to {device.Outcome}");
        Whole(device);
    }

    private void RunGateway(ReadOnlySpan<byte> input)
    {
        bool knows = false;
        VshpReason? expected = Expected(
            input,
            mayBeDone: false,
            (type, payload) =>
            {
                if (type != 0x92 || payload.Length < 64 || !payload.AsSpan(0, 32).SequenceEqual(Bytes(DeviceNonce)))
                {
                    return VshpReason.Protocol; // another nonce is not what the offer was bound to
                }

                knows = payload.AsSpan(32, 32).SequenceEqual(Bytes(Transcript.DeviceProof(Secret)));
                return knows ? VshpReason.None : VshpReason.PairingSecret;
            },
            static (type, _) => type == 0x94 ? VshpReason.None : VshpReason.Protocol);
        PairSecrets secrets = new(PairLimits.Default);
        secrets.Open(0, Secret);
        PairGateway gateway = new(DeviceKey, GatewayKey, Offer, GatewayNonce, "home");
        Feed(gateway, input, () =>
        {
            if (gateway.State == PairGatewayState.Revealed && gateway.Outcome is null)
            {
                VshpReason reason = secrets.Check(gateway.Transcript!, gateway.DeviceProof, 0, out byte[] secret);
                if (reason == VshpReason.None)
                {
                    gateway.Prove(secret);
                }
                else
                {
                    gateway.End(reason);
                }
            }
        });
        Expect.That(gateway.Outcome == expected, $"the gateway comes to {expected}, and came to {gateway.Outcome}");
        Expect.That(gateway.State < PairGatewayState.Comparing || knows, "nobody comes to the question who does not know the secret");
        Whole(gateway);
    }

    private static void RunText(string text)
    {
        if (PairUri.TryParse(text, out PairUri uri, out string problem))
        {
            Expect.That(PairUri.TryParse(uri.ToString(), out PairUri again, out _) && again == uri, "a URI that was read is read again when it is written");
        }
        else
        {
            Expect.That(problem.Length > 0, "what is wrong with a URI is said");
        }

        if (PairCode.TryRead(text, out byte[] secret))
        {
            Expect.That(PairCode.TryRead(Encoding.ASCII.GetString(secret).ToLowerInvariant(), out byte[] again) && again.AsSpan().SequenceEqual(secret), "a code means the same in small letters");
        }
    }

    /// <summary>Frame after frame, each in two pieces: who speaks waits for the answer.</summary>
    private void Feed(PairSide side, ReadOnlySpan<byte> input, Action between)
    {
        while (!input.IsEmpty)
        {
            int length = FrameHeader.TryRead(input, out FrameHeader header) ? Math.Min(header.FrameLength, input.Length) : input.Length;
            int cut = _random.Below(length + 1);
            side.Receive(input[..cut]);
            side.Receive(input[cut..length]);
            between();
            input = input[length..];
        }
    }

    private static void Whole(PairSide side)
    {
        ReadOnlySpan<byte> output = side.TakeOutput().Span;
        int frames = 0;
        while (FrameHeader.TryRead(output, out FrameHeader header))
        {
            Expect.That(header.FrameLength <= output.Length && header is { Id: 0, Flags: 0 } && (byte)header.Type is >= 0x90 and <= 0x95, "what is said is whole frames of pairing");
            output = output[header.FrameLength..];
            frames++;
        }

        Expect.That(output.IsEmpty && frames is > 0 and <= 5, "and few of them");
    }
}
