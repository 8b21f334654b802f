using System;
using System.Buffers;
using System.Buffers.Binary;

namespace Culvert.Core.Session;

/// <summary>
/// What both sides of a pairing have in common (docs/protocol.md, Pairing): frames in, frames out, and how it ended. It knows no clock; whoever carries its bytes gives it up in time.
/// </summary>
public abstract class PairSide
{
    private readonly byte[] _frame = new byte[FirstFrame.MaxSize];
    private readonly ArrayBufferWriter<byte> _output = new();
    private int _length;

    private protected PairSide()
    {
    }

    /// <summary>How it ended; null while it goes on. <see cref="VshpReason.None"/>: paired.</summary>
    public VshpReason? Outcome { get; private set; }

    /// <summary>Whether the other side ended it.</summary>
    public bool EndedByPeer { get; private set; }

    /// <summary>What both sides compute; null until both nonces are known.</summary>
    public PairTranscript? Transcript { get; private protected set; }

    /// <summary>Takes bytes of the other side, cut anywhere. What comes behind the end is ignored.</summary>
    public void Receive(ReadOnlySpan<byte> bytes)
    {
        while (Outcome is null && !bytes.IsEmpty)
        {
            int wanted = FrameHeader.TryRead(_frame.AsSpan(0, _length), out FrameHeader header) ? header.FrameLength : FrameHeader.Size;
            int count = Math.Min(bytes.Length, wanted - _length);
            bytes[..count].CopyTo(_frame.AsSpan(_length));
            _length += count;
            bytes = bytes[count..];
            Look();
        }
    }

    /// <summary>Ends it, and says why. Nothing when it is over.</summary>
    public void End(VshpReason reason)
    {
        if (Outcome is null)
        {
            Span<byte> payload = stackalloc byte[2];
            BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)reason);
            Send(FrameType.PairDone, payload);
            Outcome = reason;
        }
    }

    /// <summary>The transport has ended: there is nobody to tell.</summary>
    public void Lose(VshpReason reason)
    {
        if (Outcome is null)
        {
            Outcome = reason;
            EndedByPeer = true;
        }
    }

    /// <summary>What is to be sent, once.</summary>
    public ReadOnlyMemory<byte> TakeOutput()
    {
        byte[] output = _output.WrittenSpan.ToArray();
        _output.ResetWrittenCount();
        return output;
    }

    /// <summary>Acts on a frame; false where it is out of its turn or no such frame.</summary>
    private protected abstract bool TryAct(FrameType type, ReadOnlySpan<byte> payload);

    /// <summary>Whether PAIR_DONE may say that all is well.</summary>
    private protected abstract bool MayBeDone { get; }

    private protected void Send(FrameType type, ReadOnlySpan<byte> payload)
    {
        Span<byte> frame = _output.GetSpan(FrameHeader.Size + payload.Length);
        new FrameHeader(type, FrameFlags.None, (ushort)payload.Length, 0).Write(frame);
        payload.CopyTo(frame[FrameHeader.Size..]);
        _output.Advance(FrameHeader.Size + payload.Length);
    }

    private void Look()
    {
        if (!FrameHeader.TryRead(_frame.AsSpan(0, _length), out FrameHeader header))
        {
            return;
        }

        if (header.Id != 0 || header.FrameLength > FirstFrame.MaxSize)
        {
            End(VshpReason.Protocol);
        }
        else if (_length == header.FrameLength)
        {
            _length = 0;
            Act(header.Type, _frame.AsSpan(FrameHeader.Size, header.Length));
        }
    }

    private void Act(FrameType type, ReadOnlySpan<byte> payload)
    {
        if (type != FrameType.PairDone)
        {
            if (!TryAct(type, payload))
            {
                End(VshpReason.Protocol);
            }

            return;
        }

        VshpReason reason = payload.Length >= 2 ? VshpReasons.FromWire(BinaryPrimitives.ReadUInt16BigEndian(payload)) : VshpReason.Protocol;
        if (payload.Length < 2 || (reason == VshpReason.None && !MayBeDone))
        {
            End(VshpReason.Protocol);
        }
        else
        {
            Lose(reason);
        }
    }
}
