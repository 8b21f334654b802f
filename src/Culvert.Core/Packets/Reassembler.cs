using System;

namespace Culvert.Core.Packets;

/// <summary>
/// Puts the fragments of IPv4 and IPv6 packets together (RFC 791 section 3.2, RFC 8200 section 4.5) within bounds of bytes, packets, pieces and
/// time. Fragments that overlap take their whole packet with them, whatever comes of it later (RFC 5722), and not just for IPv6. Every fragment is
/// copied once, into a block that holds the packet, so that small fragments never pin large blocks.
/// </summary>
internal sealed class Reassembler
{
    /// <summary>Microseconds from a packet's first fragment until it is given up; Linux's figure for IPv4, within RFC 8200's 60 s.</summary>
    public const long Timeout = 30_000_000;

    /// <summary>Packets begun at a time, those given up but remembered included; beyond, the oldest goes.</summary>
    public const int MaxPackets = 64;

    /// <summary>The longest headers in front of the fragmented part that are taken.</summary>
    public const int MaxHeader = PacketPool.LargeSize - MaxPart - 1;

    private const int MaxPart = ushort.MaxValue;

    private readonly PacketPool _pool;
    private readonly DropCounters _drops;
    private readonly int _maxBlocks;
    private readonly UnfinishedPacket[] _packets = new UnfinishedPacket[MaxPackets];
    private int _count;
    private int _blocks;

    /// <summary>
    /// A reassembler that holds at most <paramref name="maxBytes"/> of blocks (each <see cref="PacketPool.LargeSize"/>, and at least one) and counts what
    /// it drops in <paramref name="drops"/>.
    /// </summary>
    public Reassembler(PacketPool pool, int maxBytes, DropCounters drops)
    {
        _pool = pool;
        _drops = drops;
        _maxBlocks = Math.Max(1, maxBytes / PacketPool.LargeSize);
        for (int i = 0; i < _packets.Length; i++)
        {
            _packets[i] = new UnfinishedPacket();
        }
    }

    /// <summary>Packets begun and not finished, those remembered only to refuse their fragments included.</summary>
    public int Count => _count;

    /// <summary>Bytes of blocks held.</summary>
    public int Bytes => _blocks * PacketPool.LargeSize;

    /// <summary>When <see cref="Advance"/> has something to do next; long.MaxValue for never.</summary>
    public long NextDeadline => _count == 0 ? long.MaxValue : _packets[0].Deadline;

    /// <summary>
    /// Takes a fragment whose header is <paramref name="ip"/>; ownership of <paramref name="fragment"/> moves here. Returns the whole packet, owned by the
    /// caller and with its checksum still to be verified, when this was the last piece; else null.
    /// </summary>
    public PacketBuffer? Add(PacketBuffer fragment, in IpHeader ip, long now)
    {
        Advance(now);
        DropReason reason = Add(fragment.Span, ip, now, out PacketBuffer? whole);
        fragment.Release();
        _drops.Count(reason);
        return whole;
    }

    /// <summary>Gives up the packets whose time is over.</summary>
    public void Advance(long now)
    {
        while (_count > 0 && _packets[0].Deadline <= now)
        {
            _drops.Count(_packets[0].IsRefused ? DropReason.None : DropReason.FragmentTimeout);
            Remove(0);
        }
    }

    /// <summary>Gives all blocks back.</summary>
    public void Clear()
    {
        while (_count > 0)
        {
            Remove(_count - 1);
        }
    }

    private DropReason Add(ReadOnlySpan<byte> packet, in IpHeader ip, long now, out PacketBuffer? whole)
    {
        whole = null;
        DropReason reason = Check(packet, ip);
        if (reason != DropReason.None)
        {
            return reason;
        }

        FragmentKey key = new(ip.Source, ip.Destination, ip.Version == 4 ? ip.Protocol : (byte)0, ip.FragmentId);
        int index = 0;
        while (index < _count && _packets[index].Key != key)
        {
            index++;
        }

        if (index == _count)
        {
            MakeRoom();
            index = _count++;
            _packets[index].Begin(key, _pool.Rent(PacketPool.LargeSize), now + Timeout);
            _blocks++;
        }

        UnfinishedPacket unfinished = _packets[index];
        bool held = !unfinished.IsRefused;
        reason = unfinished.Add(packet, ip);
        if (held && unfinished.IsRefused)
        {
            _blocks--;
        }

        if (unfinished.IsWhole)
        {
            whole = unfinished.Finish();
            _blocks--;
            Remove(index);
        }

        return reason;
    }

    /// <summary>What can be said of a fragment by itself.</summary>
    private static DropReason Check(ReadOnlySpan<byte> packet, in IpHeader ip)
    {
        int length = ip.PayloadLength;
        if (length == 0 || (ip.MoreFragments && (length & 7) != 0))
        {
            return DropReason.FragmentLength;
        }

        // The length field of the whole counts the header for IPv4, and for IPv6 all but the fixed header.
        int header = ip.Version == 4 ? ip.HeaderLength : ip.FragmentHeaderOffset - IpHeader.V6Size;
        if (header + ip.FragmentOffset + length > ushort.MaxValue || header > MaxHeader - IpHeader.V6Size)
        {
            return DropReason.FragmentTooLong;
        }

        if (ip.FragmentOffset != 0)
        {
            // A second fragment at 8 would hold a TCP header's flags (RFC 3128).
            return ip.FragmentOffset < TcpHeader.MinSize && ip.Protocol == IpProtocol.Tcp ? DropReason.FragmentTiny : DropReason.None;
        }

        byte protocol = ip.Protocol;
        int transport = ip.HeaderLength;
        if (ip.Version == 6)
        {
            // All headers must be in the first fragment (RFC 7112).
            DropReason reason = ExtensionHeaders.Walk(packet[..ip.TotalLength], protocol, transport, fragmented: true, out ExtensionHeaders headers);
            if (reason != DropReason.None)
            {
                return reason == DropReason.Truncated ? DropReason.FragmentTiny : reason;
            }

            protocol = headers.Protocol;
            transport = headers.End;
        }

        int least = protocol == IpProtocol.Tcp ? TcpHeader.MinSize : protocol == IpProtocol.None ? 0 : 8;
        return ip.TotalLength - transport < least ? DropReason.FragmentTiny : DropReason.None;
    }

    private void MakeRoom()
    {
        if (_count == MaxPackets)
        {
            PushOut(0);
        }

        if (_blocks == _maxBlocks)
        {
            int oldest = 0;
            while (_packets[oldest].IsRefused)
            {
                oldest++;
            }

            PushOut(oldest);
        }
    }

    private void PushOut(int index)
    {
        _drops.Count(_packets[index].IsRefused ? DropReason.None : DropReason.FragmentPushedOut);
        Remove(index);
    }

    /// <summary>Takes one out of the list, which stays in order of age; its object goes behind the end for the next.</summary>
    private void Remove(int index)
    {
        UnfinishedPacket removed = _packets[index];
        _blocks -= removed.GiveUp() ? 1 : 0;
        _count--;
        Array.Copy(_packets, index + 1, _packets, index, _count - index);
        _packets[_count] = removed;
    }
}
