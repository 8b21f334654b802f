using System;
using System.Buffers.Binary;
using Culvert.Core.Packets;

namespace Culvert.Core.Session;

/// <summary>Bytes from the transport to frames, and what each does.</summary>
public sealed partial class VshpSession
{
    private PacketBuffer? _partial; // the beginning of a frame
    private ReceiveWindow _window;
    private long _received; // bytes of the other's sequence in whole frames
    private int _controlBytes;

    /// <summary>A frame has come since the session was attached to this transport.</summary>
    public bool HeardSinceAttach { get; private set; }

    /// <summary>Takes bytes from the transport, however they were cut. Never throws for what they are; a violation ends the session.</summary>
    public void Receive(ReadOnlySpan<byte> bytes, long now)
    {
        if (bytes.IsEmpty || _state is SessionState.Over or SessionState.Detached)
        {
            return;
        }

        Heard(now);
        while (!bytes.IsEmpty && !IsOver)
        {
            if (_partial is not null)
            {
                if (!TryComplete(ref bytes, now))
                {
                    return;
                }
            }
            else if (FrameHeader.TryRead(bytes, out FrameHeader header))
            {
                if (!IsAllowed(header))
                {
                    return;
                }

                if (bytes.Length < header.FrameLength)
                {
                    Keep(bytes, header.FrameLength);
                    return;
                }

                Handle(header, bytes.Slice(FrameHeader.Size, header.Length), now);
                bytes = bytes[header.FrameLength..];
            }
            else
            {
                Keep(bytes, FrameHeader.Size);
                return;
            }
        }
    }

    /// <summary>Bytes of DATA were read, or dropped unread.</summary>
    internal void Consumed(long count)
    {
        _window.Consume(count);
        _windowDue |= _window.IsDue;
    }

    /// <summary>Bytes by which a stream's window may grow: all of them by half of the session's most, so that readers who stand still do not starve the rest.</summary>
    internal int RoomToGrow(int size) => Math.Min(Options.MaxStreamWindow - size, (Options.MaxSessionWindow / 2) - _growth);

    internal void Grew(int bytes) => _growth += bytes;

    private bool TryComplete(ref ReadOnlySpan<byte> bytes, long now)
    {
        PacketBuffer partial = _partial!;
        if (partial.Length < FrameHeader.Size)
        {
            Fill(partial, FrameHeader.Size, ref bytes);
            if (partial.Length < FrameHeader.Size)
            {
                return false;
            }
        }

        FrameHeader.TryRead(partial.Span, out FrameHeader header);
        if (!IsAllowed(header))
        {
            return false;
        }

        if (partial.Capacity < header.FrameLength)
        {
            _partial = Pool.Rent(header.FrameLength);
            partial.Span.CopyTo(_partial.Array);
            _partial.Length = partial.Length;
            partial.Release();
            partial = _partial;
        }

        Fill(partial, header.FrameLength, ref bytes);
        if (partial.Length < header.FrameLength)
        {
            return false;
        }

        _partial = null;
        Handle(header, partial.Span[FrameHeader.Size..], now);
        partial.Release();
        return true;
    }

    private static void Fill(PacketBuffer partial, int until, ref ReadOnlySpan<byte> bytes)
    {
        int count = Math.Min(until - partial.Length, bytes.Length);
        if (count > 0)
        {
            bytes[..count].CopyTo(partial.Array.AsSpan(partial.Length));
            partial.Length += count;
            bytes = bytes[count..];
        }
    }

    private void Keep(ReadOnlySpan<byte> bytes, int length)
    {
        _partial = Pool.Rent(length);
        bytes.CopyTo(_partial.Array);
        _partial.Length = bytes.Length;
    }

    /// <summary>What the header says is allowed here and now; a violation otherwise.</summary>
    private bool IsAllowed(in FrameHeader header)
    {
        bool first = header.Type is FrameType.Hello or FrameType.Resumed or FrameType.Gone or FrameType.End;
        bool inTurn = _state == SessionState.Greeting ? first
            : header.Type is not (FrameType.Hello or FrameType.Resume or FrameType.Resumed or FrameType.Gone) && (byte)header.Type is not (>= 0x90 and <= 0x95);
        if (!inTurn || !FrameRules.Allows(header))
        {
            Violation($"A frame of type 0x{(byte)header.Type:X2} and {header.Length} bytes does not belong here.");
            return false;
        }

        return true;
    }

    private void Handle(in FrameHeader header, ReadOnlySpan<byte> payload, long now)
    {
        HeardSinceAttach = true;
        Counters.FramesReceived++;
        if (header.IsLasting)
        {
            _received += header.FrameLength;
            HandleLasting(header, payload, now);
            NoteAcknowledgeable(now);
        }
        else
        {
            HandlePassing(header, payload, now);
        }
    }

    private void HandleLasting(in FrameHeader header, ReadOnlySpan<byte> payload, long now)
    {
        switch (header.Type)
        {
            case FrameType.Data:
                HandleData(header, payload);
                break;
            case FrameType.Open or FrameType.Associate or FrameType.Resolve:
                HandleAsking(header, payload, now);
                break;
            case FrameType.Window when header.Id == 0:
                if (!Number.TryRead(payload, out long limit))
                {
                    Violation("A limit is no number of 53 bits.");
                    return;
                }

                _sendLimit = Math.Max(_sendLimit, limit);
                break;
            case FrameType.Window or FrameType.Opened or FrameType.Refused or FrameType.Reset or FrameType.Resolved:
                HandleKnown(header, payload);
                break;
            case FrameType.Control:
                HandleControl(payload);
                break;
            case FrameType.GoAway:
                HandleGoAway(payload);
                break;
            default:
                Counters.FramesUnknown++;
                break;
        }
    }

    private void HandleData(in FrameHeader header, ReadOnlySpan<byte> data)
    {
        if (!TryFind(header, out Numbered? numbered))
        {
            return;
        }

        if (!_window.TryReceive(data.Length))
        {
            Stop(VshpReason.FlowControl, "DATA went beyond the session's window.", tell: true);
            return;
        }

        Counters.BytesReceived += data.Length;
        _windowDue |= _window.IsDue; // less is left for streams whose readers have already read
        if (numbered is null)
        {
            Consumed(data.Length); // it was on its way when the stream ended
            return;
        }

        VshpReason broken = numbered is VshpStream stream ? stream.OnData(data, (header.Flags & FrameFlags.Fin) != 0) : VshpReason.Protocol;
        if (broken != VshpReason.None)
        {
            Stop(broken, broken == VshpReason.FlowControl ? "DATA went beyond a stream's window." : "DATA came for what takes none.", tell: true);
        }
    }

    private void HandleAsking(in FrameHeader header, ReadOnlySpan<byte> payload, long now)
    {
        uint expected = _lastTheirs == 0 ? (_isDevice ? 2u : 1u) : _lastTheirs + 2;
        VshpDestination destination = default;
        if (header.Id != expected || _lastTheirs > uint.MaxValue - 4
            || (header.Type == FrameType.Open && !VshpDestination.TryRead(payload, out destination, out _)))
        {
            Violation("An id is out of its turn, or a destination is none.");
            return;
        }

        _lastTheirs = expected;
        VshpReason refusal = Refusal(header.Type, destination);
        if (refusal != VshpReason.None)
        {
            Refuse(expected, refusal);
            return;
        }

        Numbered asked = header.Type switch
        {
            FrameType.Open => new VshpStream(this, expected, isOurs: false, destination, now),
            FrameType.Associate => new VshpAssociation(this, expected, isOurs: false),
            _ => new VshpQuestion(this, expected, isOurs: false, payload),
        };
        asked.IsCounted = true;
        (_theirFlows, _theirQuestions) = asked is VshpQuestion ? (_theirFlows, _theirQuestions + 1) : (_theirFlows + 1, _theirQuestions);
        _table.Add(expected, asked);
        Raise(SessionEventKind.Asked, asked);
    }

    private VshpReason Refusal(FrameType type, in VshpDestination destination)
    {
        VshpCapabilities needed = type switch
        {
            FrameType.Associate => VshpCapabilities.Datagrams,
            FrameType.Resolve => VshpCapabilities.Resolve,
            _ => destination.Kind == DestinationKind.Path ? VshpCapabilities.UnixSockets : VshpCapabilities.None,
        };
        bool full = type == FrameType.Resolve ? _theirQuestions >= Options.MaxExchanges : _theirFlows >= Options.MaxFlows;
        return (Capabilities & needed) != needed ? VshpReason.NotCarried
            : _goingAway ? VshpReason.ShuttingDown
            : full ? VshpReason.LimitReached
            : VshpReason.None;
    }

    /// <summary>Frames for something that both sides know.</summary>
    private void HandleKnown(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (!TryFind(header, out Numbered? numbered) || numbered is null)
        {
            return;
        }

        bool good = false;
        switch (header.Type)
        {
            case FrameType.Opened:
                good = numbered is VshpFlow opened && opened.OnOpened();
                break;
            case FrameType.Resolved:
                good = numbered is VshpQuestion answered && answered.OnAnswered(payload);
                break;
            case FrameType.Refused:
                VshpReason reason = VshpReasons.FromWire(BinaryPrimitives.ReadUInt16BigEndian(payload));
                good = numbered switch
                {
                    VshpFlow flow => flow.OnRefused(reason),
                    VshpQuestion question => question.OnRefused(reason),
                    _ => false,
                };
                break;
            case FrameType.Reset when numbered is not VshpQuestion:
                VshpReason why = VshpReasons.FromWire(BinaryPrimitives.ReadUInt16BigEndian(payload));
                numbered.Close(why == VshpReason.None ? VshpReason.Reset : why, tell: true);
                good = true;
                break;
            case FrameType.Window when numbered is VshpStream stream && Number.TryRead(payload, out long limit):
                stream.OnWindow(limit);
                good = true;
                break;
        }

        if (!good)
        {
            Violation($"{header.Type} does not go with what its id stands for.");
        }
    }

    private void HandleControl(ReadOnlySpan<byte> payload)
    {
        PacketBuffer buffer = Copy(payload);
        uint kind = BinaryPrimitives.ReadUInt16BigEndian(payload);
        buffer.Start += 2;
        buffer.Length -= 2;
        if (_controlBytes + buffer.Capacity > Options.MaxControlBytes)
        {
            buffer.Release();
            Stop(VshpReason.LimitReached, "More control messages came than are read.", tell: true);
            return;
        }

        _controlBytes += buffer.Capacity;
        _events.Enqueue(new SessionEvent(SessionEventKind.Control, Buffer: buffer, Number: kind));
    }

    private void HandleGoAway(ReadOnlySpan<byte> payload)
    {
        if (!Session.GoAway.TryRead(payload, out GoAway goAway))
        {
            Violation("GOAWAY cannot be read.");
            return;
        }

        _peerGoesAway = true;
        EndText = goAway.Text;
        foreach (Numbered numbered in (Numbered[])[.. _table.Values])
        {
            if (numbered.IsOurs && numbered.Id > goAway.LastId)
            {
                numbered.Close(VshpReason.ShuttingDown, tell: true);
            }
        }

        Raise(SessionEventKind.GoAway, goAway.Reason);
    }

    /// <summary>What has this id: null for what was and is over. False, and a violation, for what never was.</summary>
    private bool TryFind(in FrameHeader header, out Numbered? numbered)
    {
        if (_table.TryGetValue(header.Id, out numbered) || WasUsed(header.Id))
        {
            return true;
        }

        Violation($"{header.Type} came for id {header.Id}, which was never used.");
        return false;
    }

    private bool WasUsed(uint id) => id <= ((id & 1) == (_isDevice ? 1u : 0u) ? _lastOurs : _lastTheirs);
}
