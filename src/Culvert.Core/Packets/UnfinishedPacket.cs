using System;
using System.Buffers.Binary;

namespace Culvert.Core.Packets;

/// <summary>
/// One packet of which some fragments are there. The fragmented part lies at a fixed place of its block, the header of the first fragment in
/// front of it. Reused for packet after packet.
/// </summary>
internal sealed class UnfinishedPacket
{
    /// <summary>Stretches without a hole between them that are kept apart; fragments that come in order make one.</summary>
    public const int MaxStretches = 64;

    private const int PartStart = Reassembler.MaxHeader;

    private readonly (int Start, int End)[] _stretches = new (int, int)[MaxStretches];
    private PacketBuffer? _block;
    private DropReason _refusal;
    private int _count;
    private int _headerLength;
    private int _partLength;

    /// <summary>Whose fragments these are.</summary>
    public FragmentKey Key { get; private set; }

    /// <summary>When it is given up.</summary>
    public long Deadline { get; private set; }

    /// <summary>It holds nothing any more and is remembered to refuse the fragments still to come.</summary>
    public bool IsRefused => _block is null;

    /// <summary>No hole is left, and the first and the last fragment are there.</summary>
    public bool IsWhole => _block is not null && _count == 1 && _headerLength > 0 && _stretches[0] == (0, _partLength);

    /// <summary>Starts over with an empty block, which moves here.</summary>
    public void Begin(FragmentKey key, PacketBuffer block, long deadline)
    {
        Key = key;
        Deadline = deadline;
        _block = block;
        _count = 0;
        _headerLength = 0;
        _partLength = -1;
    }

    /// <summary>Copies a fragment, checked by itself, to its place. A reason is given when it, or all of the packet, was refused.</summary>
    public DropReason Add(ReadOnlySpan<byte> packet, in IpHeader ip)
    {
        if (_block is null)
        {
            return _refusal;
        }

        int start = ip.FragmentOffset;
        int end = start + ip.PayloadLength;
        ReadOnlySpan<byte> part = packet[ip.HeaderLength..ip.TotalLength];
        int last = _count == 0 ? 0 : _stretches[_count - 1].End;
        bool endsElsewhere = ip.MoreFragments ? _partLength >= 0 && end >= _partLength : (_partLength >= 0 && end != _partLength) || last > end;

        int index = 0;
        while (index < _count && _stretches[index].End <= start)
        {
            index++;
        }

        if (index < _count && _stretches[index].Start < end)
        {
            bool isCopy = _stretches[index].Start <= start && end <= _stretches[index].End && !endsElsewhere
                && part.SequenceEqual(_block.Array.AsSpan(PartStart + start, part.Length));
            return isCopy ? DropReason.None : Refuse(DropReason.FragmentOverlap); // networks may copy packets (RFC 8200 section 4.5)
        }

        if (endsElsewhere)
        {
            return Refuse(DropReason.FragmentOverlap);
        }

        if (!Insert(index, start, end))
        {
            return Refuse(DropReason.FragmentPieces);
        }

        part.CopyTo(_block.Array.AsSpan(PartStart + start));
        if (!ip.MoreFragments)
        {
            _partLength = end;
        }

        if (start == 0)
        {
            AddHeader(packet, ip);
        }

        // Headers may differ from fragment to fragment: only with the first one's is it known how long the whole is.
        int counted = Key.Source.IsV4 ? _headerLength : _headerLength - IpHeader.V6Size;
        return counted + _stretches[_count - 1].End > ushort.MaxValue ? Refuse(DropReason.FragmentTooLong) : DropReason.None;
    }

    /// <summary>Makes the whole packet out of what is there; it moves to the caller.</summary>
    public PacketBuffer Finish()
    {
        PacketBuffer whole = _block!;
        _block = null;
        whole.Start = PartStart - _headerLength;
        whole.Length = _headerLength + _partLength;
        Span<byte> header = whole.Array.AsSpan(whole.Start, _headerLength);
        if (header[0] >> 4 == 4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)whole.Length);
            BinaryPrimitives.WriteUInt16BigEndian(header[6..], 0);
            IpWriter.SetHeaderChecksum(header);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)(whole.Length - IpHeader.V6Size));
        }

        return whole;
    }

    /// <summary>Gives the block back; false when there was none.</summary>
    public bool GiveUp()
    {
        if (_block is null)
        {
            return false;
        }

        _block.Release();
        _block = null;
        return true;
    }

    private DropReason Refuse(DropReason reason)
    {
        GiveUp();
        _refusal = reason;
        return reason;
    }

    /// <summary>The first fragment's header counts; an IPv6 one loses its fragment header.</summary>
    private void AddHeader(ReadOnlySpan<byte> packet, in IpHeader ip)
    {
        _headerLength = ip.Version == 4 ? ip.HeaderLength : ip.FragmentHeaderOffset;
        Span<byte> header = _block!.Array.AsSpan(PartStart - _headerLength, _headerLength);
        packet[.._headerLength].CopyTo(header);
        if (ip.Version == 6)
        {
            header[ExtensionHeaders.LastNextHeader(packet, _headerLength)] = ip.Protocol;
        }
    }

    /// <summary>Adds a stretch that overlaps none before <paramref name="index"/>, joined with its neighbours; false when there would be too many.</summary>
    private bool Insert(int index, int start, int end)
    {
        bool joinsLeft = index > 0 && _stretches[index - 1].End == start;
        bool joinsRight = index < _count && _stretches[index].Start == end;
        if (joinsLeft && joinsRight)
        {
            _stretches[index - 1].End = _stretches[index].End;
            _count--;
            Array.Copy(_stretches, index + 1, _stretches, index, _count - index);
        }
        else if (joinsLeft)
        {
            _stretches[index - 1].End = end;
        }
        else if (joinsRight)
        {
            _stretches[index].Start = start;
        }
        else
        {
            if (_count == MaxStretches)
            {
                return false;
            }

            Array.Copy(_stretches, index, _stretches, index + 1, _count - index);
            _stretches[index] = (start, end);
            _count++;
        }

        return true;
    }
}

/// <summary>What the fragments of one packet have in common (RFC 791 section 3.2; for IPv6 without the protocol, RFC 8200 section 4.5).</summary>
internal readonly record struct FragmentKey(IpAddr Source, IpAddr Destination, byte Protocol, uint Id);
