using System;
using System.Collections.Generic;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack;

/// <summary>
/// Messages that wait for the link and belong to no TCP flow: datagrams, echo replies, ICMP errors, resets. Cut into packets only when the
/// link takes them; datagrams that a link can cut itself are joined to runs before. Holds at most <paramref name="maxBytes"/> of blocks; beyond, a message is not taken.
/// </summary>
/// <param name="maxBytes">The limit.</param>
/// <param name="offloads">The link completes checksums.</param>
/// <param name="cutsDatagrams">The link cuts runs of datagrams.</param>
internal sealed class Outbox(int maxBytes, bool offloads, bool cutsDatagrams)
{
    private readonly Queue<Waiting> _waiting = new();
    private Waiting _current;
    private DatagramRun _newest; // behind all that wait, and able to grow
    private int _bytes;

    /// <summary>Queues <paramref name="message"/> (transport header and payload), ownership of which moves here; false, and dropped, when there is no room.</summary>
    public bool TryAdd(PacketBuffer message, in Fragmenter fragmenter)
    {
        if (!TryReserve(message))
        {
            return false;
        }

        CloseNewest();
        _waiting.Enqueue(new Waiting { Message = message, Fragmenter = fragmenter });
        return true;
    }

    /// <summary>Queues a datagram that fits a packet; false, and dropped, when there is no room.</summary>
    public bool TryAdd(PacketPool pool, IpEndpoint from, IpEndpoint to, ReadOnlySpan<byte> payload)
    {
        if (cutsDatagrams && _newest.Block is { } block && _newest.Takes(from, to, payload.Length))
        {
            PacketBuffer? larger = null;
            if (block.Start + block.Length + payload.Length > block.Capacity)
            {
                larger = pool.Rent(PacketPool.LargeSize);
                _bytes -= block.Capacity;
                if (!TryReserve(larger))
                {
                    _bytes += block.Capacity;
                    return false;
                }
            }

            _newest.Append(payload, larger);
            return true;
        }

        PacketBuffer single = pool.Rent(payload.Length);
        payload.CopyTo(single.Array);
        single.Length = payload.Length;
        return TryAdd(from, to, single, payload.Length);
    }

    /// <summary>Queues a run of datagrams that fit a packet each, ownership of which moves here; false, and dropped, when there is no room.</summary>
    public bool TryAdd(IpEndpoint from, IpEndpoint to, PacketBuffer run, int segmentSize)
    {
        if (!TryReserve(run))
        {
            return false;
        }

        CloseNewest();
        _newest = new DatagramRun(from, to, run, segmentSize);
        return true;
    }

    /// <summary>The next packet, borrowed until the next call; false when there is none.</summary>
    public bool TryNext(Span<byte> scratch, out OutgoingPacket packet)
    {
        while (true)
        {
            if (_current.Message is null && !TryTakeNext())
            {
                packet = default;
                return false;
            }

            bool more = _current.IsRun
                ? _current.Run.TryNext(scratch, offloads, cutsDatagrams, out packet)
                : _current.Fragmenter.TryNext(scratch, default, _current.Message!.Span, out packet);
            if (more)
            {
                return true;
            }

            _bytes -= _current.Message!.Capacity;
            _current.Message.Release();
            _current = default;
        }
    }

    private bool TryTakeNext()
    {
        if (_waiting.TryDequeue(out _current))
        {
            return true;
        }

        CloseNewest();
        return _waiting.TryDequeue(out _current);
    }

    private void CloseNewest()
    {
        if (_newest.Block is { } block)
        {
            _waiting.Enqueue(new Waiting { Message = block, Run = _newest, IsRun = true });
            _newest = default;
        }
    }

    private bool TryReserve(PacketBuffer message)
    {
        if (_bytes + message.Capacity > maxBytes)
        {
            message.Release();
            return false;
        }

        _bytes += message.Capacity;
        return true;
    }

    private struct Waiting
    {
        public PacketBuffer? Message;
        public Fragmenter Fragmenter;
        public DatagramRun Run;
        public bool IsRun;
    }
}
