using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Core.Packets;

namespace Culvert.Core.Session;

/// <summary>What belongs to the transport: greetings, acknowledgments, signs of life, datagrams.</summary>
public sealed partial class VshpSession
{
    private readonly Queue<PacketBuffer> _outgoing = new(); // whole frames
    private readonly Queue<SessionEvent> _incoming = new();
    private int _outgoingBytes; // of their blocks
    private int _incomingBytes;

    /// <summary>
    /// Pings <paramref name="destination"/> from the other side; the Echoed event has the same <paramref name="number"/>. Dropped where there is no transport or no room; false where
    /// the payload is too long for a frame.
    /// </summary>
    public bool SendEcho(uint number, in VshpDestination destination, ReadOnlySpan<byte> payload) =>
        SendPassing(FrameType.Echo, FrameFlags.None, number, destination, payload);

    /// <summary>Answers the Echo event with this number.</summary>
    public bool AnswerEcho(uint number, ReadOnlySpan<byte> payload) => SendPassing(FrameType.Echoed, FrameFlags.None, number, null, payload);

    /// <summary>Says why it has no answer.</summary>
    public void RefuseEcho(uint number, VshpReason reason)
    {
        Span<byte> payload = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)reason);
        SendPassing(FrameType.Echoed, FrameFlags.Refused, number, null, payload);
    }

    /// <summary>Sends an IP packet to the other side's stack. Dropped as datagrams are, and where packets are not carried; false where it cannot be one.</summary>
    public bool SendPacket(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < 20)
        {
            return false;
        }

        if ((Capabilities & VshpCapabilities.Packets) == 0)
        {
            Counters.DatagramsDropped++;
            return true;
        }

        return SendPassing(FrameType.Packet, FrameFlags.None, 0, null, packet);
    }

    internal bool SendDatagram(VshpAssociation association, in VshpDestination destination, ReadOnlySpan<byte> payload, byte flags)
    {
        if (association.IsOver)
        {
            Counters.DatagramsDropped++;
            return true;
        }

        return SendPassing(FrameType.Datagram, flags, association.Id, destination, payload);
    }

    private bool SendPassing(FrameType type, byte flags, uint id, VshpDestination? destination, ReadOnlySpan<byte> payload)
    {
        int length = (destination?.Size ?? 0) + payload.Length;
        if (length > FrameHeader.MaxPayload)
        {
            return false;
        }

        if (_state != SessionState.Attached)
        {
            Counters.DatagramsDropped++;
            return true;
        }

        PacketBuffer frame = Pool.Rent(FrameHeader.Size + length);
        new FrameHeader(type, flags, (ushort)length, id).Write(frame.Array);
        int at = FrameHeader.Size + (destination?.Write(frame.Array.AsSpan(FrameHeader.Size)) ?? 0);
        payload.CopyTo(frame.Array.AsSpan(at));
        frame.Length = at + payload.Length;
        _outgoing.Enqueue(frame);
        _outgoingBytes += frame.Capacity;
        while (_outgoingBytes > Options.MaxDatagramBytes)
        {
            DropOldestOutgoing();
        }

        return true;
    }

    private void DropOldestOutgoing()
    {
        PacketBuffer oldest = _outgoing.Dequeue();
        _outgoingBytes -= oldest.Capacity;
        oldest.Release();
        Counters.DatagramsDropped++;
    }

    private void DropOutgoingDatagrams()
    {
        while (_outgoing.Count > 0)
        {
            DropOldestOutgoing();
        }
    }

    private void HandlePassing(in FrameHeader header, ReadOnlySpan<byte> payload, long now)
    {
        switch (header.Type)
        {
            case FrameType.Datagram:
                HandleDatagram(header, payload);
                break;
            case FrameType.Packet when (Capabilities & VshpCapabilities.Packets) != 0:
                Deliver(new SessionEvent(SessionEventKind.Packet), payload);
                break;
            case FrameType.Packet:
                Counters.DatagramsDropped++;
                break;
            case FrameType.Echo:
                HandleEcho(header, payload);
                break;
            case FrameType.Echoed:
                HandleEchoed(header, payload);
                break;
            case FrameType.End:
                _ = Ending.TryRead(payload, out Ending ending);
                EndedByPeer = true;
                Stop(ending.Reason == VshpReason.None ? VshpReason.ShuttingDown : ending.Reason, ending.Text ?? "", tell: false);
                break;
            case FrameType.Hello or FrameType.Resumed or FrameType.Gone:
                HandleGreeting(header.Type, payload, now);
                break;
            case FrameType.Stats:
                HandleStats(header, payload);
                break;
            case FrameType.Ack or FrameType.Ping or FrameType.Pong:
                HandleNumber(header.Type, payload, now);
                break;
            default:
                Counters.FramesUnknown++;
                break;
        }
    }

    private void HandleNumber(FrameType type, ReadOnlySpan<byte> payload, long now)
    {
        if (!Number.TryRead(payload, out long number))
        {
            Violation($"The number of {type} has more than 53 bits.");
        }
        else if (type == FrameType.Ping)
        {
            (_pongDue, _pong) = (true, number);
        }
        else if (type == FrameType.Pong)
        {
            OnPong(number, now);
        }
        else if (CanResume && !_log.TryAcknowledge(number))
        {
            Violation("ACK does not go with what was sent.");
        }
    }

    private void HandleGreeting(FrameType type, ReadOnlySpan<byte> payload, long now)
    {
        if (type == FrameType.Hello && !_greeted && Hello.TryRead(payload, out Hello hello) && hello.Version == Hello.CurrentVersion)
        {
            Greet(hello, now);
        }
        else if (type == FrameType.Resumed && _greeted && Number.TryRead(payload, out long received) && _log.TryRewind(received))
        {
            _ticket = _nextTicket;
            _nextTicket = default;
            _state = SessionState.Attached;
            Counters.Resumes++;
            _pingDue = true;
            Raise(SessionEventKind.Resumed);
        }
        else if (type == FrameType.Gone && _greeted && Gone.TryRead(payload, out Gone gone))
        {
            EndedByPeer = true;
            GatewayRestarted = gone.Instance != PeerInstance;
            Stop(gone.Reason, GatewayRestarted ? "The gateway was restarted." : "The gateway has given the session up.", tell: false);
        }
        else
        {
            Violation($"{type} is not what was waited for, or cannot be read.");
        }
    }

    private void HandleDatagram(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (!VshpDestination.TryRead(payload, out VshpDestination destination, out int size))
        {
            Violation("The destination of a datagram is none.");
            return;
        }

        // It may have overtaken its ASSOCIATE: that is sent again after a cut, and a datagram is not.
        if (!_table.TryGetValue(header.Id, out Numbered? numbered))
        {
            Counters.DatagramsDropped++;
        }
        else if (numbered is not VshpAssociation)
        {
            Violation("A datagram came for what takes none.");
        }
        else if ((header.Flags & FrameFlags.Unreachable) != 0)
        {
            Deliver(new SessionEvent(SessionEventKind.Datagram, numbered, destination));
        }
        else
        {
            Deliver(new SessionEvent(SessionEventKind.Datagram, numbered, destination), payload[size..]);
        }
    }

    private void HandleEcho(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (!VshpDestination.TryRead(payload, out VshpDestination destination, out int size))
        {
            Violation("The destination of a ping is none.");
        }
        else if ((Capabilities & VshpCapabilities.Echo) == 0)
        {
            RefuseEcho(header.Id, VshpReason.NotCarried);
        }
        else
        {
            Deliver(new SessionEvent(SessionEventKind.Echo, Destination: destination, Number: header.Id), payload[size..]);
        }
    }

    private void HandleEchoed(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if ((header.Flags & FrameFlags.Refused) == 0)
        {
            Deliver(new SessionEvent(SessionEventKind.Echoed, Number: header.Id), payload);
        }
        else if (payload.Length < 2)
        {
            Violation("A ping was refused without a reason.");
        }
        else
        {
            Deliver(new SessionEvent(SessionEventKind.Echoed, Number: header.Id, Reason: VshpReasons.FromWire(BinaryPrimitives.ReadUInt16BigEndian(payload))));
        }
    }

    private void HandleStats(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (!VshpStats.TryRead(payload, out VshpStats stats))
        {
            Violation("STATS are no numbers.");
            return;
        }

        _statsDue |= (header.Flags & FrameFlags.Ask) != 0;
        PeerStats = stats;
        if (!_statsRaised)
        {
            _statsRaised = true;
            Deliver(new SessionEvent(SessionEventKind.Stats));
        }
    }

    private void Deliver(SessionEvent happened, ReadOnlySpan<byte> payload) => Deliver(happened with { Buffer = Copy(payload) });

    private void Deliver(in SessionEvent happened)
    {
        Counters.DatagramsReceived += happened.Kind == SessionEventKind.Datagram ? 1 : 0;
        _incoming.Enqueue(happened);
        _incomingBytes += Cost(happened);
        while (_incomingBytes > Options.MaxDatagramBytes)
        {
            SessionEvent oldest = _incoming.Dequeue();
            _incomingBytes -= Cost(oldest);
            _statsRaised &= oldest.Kind != SessionEventKind.Stats;
            oldest.Buffer?.Release();
            Counters.DatagramsDropped++;
        }
    }

    /// <summary>What an event counts against the limit; also one without a block holds memory.</summary>
    private static int Cost(in SessionEvent happened) => happened.Buffer?.Capacity ?? FrameLog.FrameCharge;

    private bool TryNextDatagram(out SessionEvent happened)
    {
        while (_incoming.TryDequeue(out happened))
        {
            _incomingBytes -= Cost(happened);
            _statsRaised &= happened.Kind != SessionEventKind.Stats;
            if (happened.Subject is not { IsReleased: true })
            {
                return true;
            }

            happened.Buffer?.Release();
        }

        return false;
    }
}
