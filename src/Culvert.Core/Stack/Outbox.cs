using System;
using System.Collections.Generic;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack;

/// <summary>
/// Messages that wait for the link and belong to no TCP flow: datagrams, echo replies, ICMP errors, resets. Cut into packets only when the
/// link takes them. Holds at most <paramref name="maxBytes"/> of blocks; beyond, a message is not taken.
/// </summary>
internal sealed class Outbox(int maxBytes)
{
    private readonly Queue<(PacketBuffer Message, Fragmenter Fragmenter)> _waiting = new();
    private PacketBuffer? _current;
    private Fragmenter _fragmenter;
    private int _bytes;

    /// <summary>Queues <paramref name="message"/> (transport header and payload), ownership of which moves here; false, and dropped, when there is no room.</summary>
    public bool TryAdd(PacketBuffer message, in Fragmenter fragmenter)
    {
        if (_bytes + message.Capacity > maxBytes)
        {
            message.Release();
            return false;
        }

        _bytes += message.Capacity;
        _waiting.Enqueue((message, fragmenter));
        return true;
    }

    /// <summary>The next packet, borrowed until the next call; false when there is none.</summary>
    public bool TryNext(Span<byte> scratch, out OutgoingPacket packet)
    {
        while (true)
        {
            if (_current is null)
            {
                if (!_waiting.TryDequeue(out (PacketBuffer Message, Fragmenter Fragmenter) next))
                {
                    packet = default;
                    return false;
                }

                (_current, _fragmenter) = next;
            }

            if (_fragmenter.TryNext(scratch, default, _current.Span, out packet))
            {
                return true;
            }

            _bytes -= _current.Capacity;
            _current.Release();
            _current = null;
        }
    }
}
