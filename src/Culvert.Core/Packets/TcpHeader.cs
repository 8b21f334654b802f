using System;
using System.Buffers.Binary;

namespace Culvert.Core.Packets;

/// <summary>
/// A TCP header with its options as values (RFC 9293 section 3.1, RFC 7323, RFC 2018): read by <see cref="TryParse"/>, written by <see cref="Write"/>.
/// </summary>
internal readonly struct TcpHeader
{
    /// <summary>Bytes of a header without options.</summary>
    public const int MinSize = 20;

    /// <summary>Bytes of the longest header.</summary>
    public const int MaxSize = 60;

    /// <summary>The largest shift a window may be scaled by; more is taken as this (RFC 7323 section 2.3).</summary>
    public const byte MaxWindowScale = 14;

    /// <summary>Where the checksum is in the header.</summary>
    public const int ChecksumOffset = 16;

    private const byte OptionEnd = 0;
    private const byte OptionNone = 1;
    private const byte OptionMss = 2;
    private const byte OptionWindowScale = 3;
    private const byte OptionSackPermitted = 4;
    private const byte OptionSack = 5;
    private const byte OptionTimestamp = 8;

    public ushort SourcePort { get; init; }

    public ushort DestinationPort { get; init; }

    public uint Sequence { get; init; }

    public uint Acknowledgment { get; init; }

    public TcpFlags Flags { get; init; }

    /// <summary>As it stands in the header, not scaled.</summary>
    public ushort Window { get; init; }

    public ushort UrgentPointer { get; init; }

    /// <summary>Bytes of the header as received, options included. Not used by <see cref="Write"/>, which returns it.</summary>
    public int HeaderLength { get; init; }

    /// <summary>The largest segment the peer takes; 0 when it does not say. Of a SYN only.</summary>
    public ushort Mss { get; init; }

    /// <summary>Whether <see cref="WindowScale"/> is there. Of a SYN only.</summary>
    public bool HasWindowScale { get; init; }

    public byte WindowScale { get; init; }

    /// <summary>The peer understands SACK. Of a SYN only.</summary>
    public bool SackPermitted { get; init; }

    /// <summary>Whether the two timestamps are there.</summary>
    public bool HasTimestamp { get; init; }

    public uint TimestampValue { get; init; }

    public uint TimestampEcho { get; init; }

    /// <summary>How many of <see cref="Sacks"/> are there.</summary>
    public int SackCount { get; init; }

    public SackBlocks Sacks { get; init; }

    /// <summary>
    /// Reads the header of <paramref name="segment"/>; false when it does not fit in. Options that are malformed are ignored from there on and
    /// the segment stands, as kernels have it.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> segment, out TcpHeader header)
    {
        header = default;
        if (segment.Length < MinSize)
        {
            return false;
        }

        int headerLength = (segment[12] >> 4) * 4;
        if (headerLength < MinSize || headerLength > segment.Length)
        {
            return false;
        }

        Options options = default;
        if (headerLength > MinSize)
        {
            options.Read(segment[MinSize..headerLength], isSyn: (segment[13] & (byte)TcpFlags.Syn) != 0);
        }

        header = new TcpHeader
        {
            SourcePort = BinaryPrimitives.ReadUInt16BigEndian(segment),
            DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(segment[2..]),
            Sequence = BinaryPrimitives.ReadUInt32BigEndian(segment[4..]),
            Acknowledgment = BinaryPrimitives.ReadUInt32BigEndian(segment[8..]),
            Flags = (TcpFlags)segment[13],
            Window = BinaryPrimitives.ReadUInt16BigEndian(segment[14..]),
            UrgentPointer = BinaryPrimitives.ReadUInt16BigEndian(segment[18..]),
            HeaderLength = headerLength,
            Mss = options.Mss,
            HasWindowScale = options.HasWindowScale,
            WindowScale = options.WindowScale,
            SackPermitted = options.SackPermitted,
            HasTimestamp = options.HasTimestamp,
            TimestampValue = options.TimestampValue,
            TimestampEcho = options.TimestampEcho,
            SackCount = options.SackCount,
            Sacks = options.Sacks,
        };
        return true;
    }

    /// <summary>Bytes that <see cref="Write"/> will write.</summary>
    public int WrittenLength =>
        MinSize + (Mss != 0 ? 4 : 0) + (HasTimestamp ? 12 : SackPermitted ? 4 : 0) + (HasWindowScale ? 4 : 0) + (WrittenSacks is > 0 and int n ? 4 + (8 * n) : 0);

    // With timestamps three blocks fit, without four (RFC 2018 section 3); on a SYN there is nothing to report.
    private int WrittenSacks => (Flags & TcpFlags.Syn) != 0 ? 0 : Math.Min(SackCount, HasTimestamp ? 3 : SackBlocks.Capacity);

    /// <summary>
    /// Writes the header and its options, padded, with a checksum of zero; returns its length (at most <see cref="MaxSize"/>). Of the SACK blocks
    /// the first that fit.
    /// </summary>
    public int Write(Span<byte> bytes)
    {
        int length = WrittenLength;
        bytes = bytes[..length];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], DestinationPort);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], Sequence);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], Acknowledgment);
        bytes[12] = (byte)(length << 2);
        bytes[13] = (byte)Flags;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[14..], Window);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[16..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[18..], UrgentPointer);
        Span<byte> rest = bytes[MinSize..];
        if (Mss != 0)
        {
            rest[0] = OptionMss;
            rest[1] = 4;
            BinaryPrimitives.WriteUInt16BigEndian(rest[2..], Mss);
            rest = rest[4..];
        }

        if (HasTimestamp)
        {
            // "SACK permitted" fills the two bytes of padding that timestamps need.
            rest[0] = SackPermitted ? OptionSackPermitted : OptionNone;
            rest[1] = SackPermitted ? (byte)2 : OptionNone;
            rest[2] = OptionTimestamp;
            rest[3] = 10;
            BinaryPrimitives.WriteUInt32BigEndian(rest[4..], TimestampValue);
            BinaryPrimitives.WriteUInt32BigEndian(rest[8..], TimestampEcho);
            rest = rest[12..];
        }
        else if (SackPermitted)
        {
            rest[0] = rest[1] = OptionNone;
            rest[2] = OptionSackPermitted;
            rest[3] = 2;
            rest = rest[4..];
        }

        if (HasWindowScale)
        {
            rest[0] = OptionNone;
            rest[1] = OptionWindowScale;
            rest[2] = 3;
            rest[3] = WindowScale;
            rest = rest[4..];
        }

        if (!rest.IsEmpty)
        {
            WriteSacks(rest);
        }

        return length;
    }

    private void WriteSacks(Span<byte> rest)
    {
        rest[0] = rest[1] = OptionNone;
        rest[2] = OptionSack;
        rest[3] = (byte)(rest.Length - 2);
        for (int i = 0; i < WrittenSacks; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(rest[(4 + (8 * i))..], Sacks[i].Left);
            BinaryPrimitives.WriteUInt32BigEndian(rest[(8 + (8 * i))..], Sacks[i].Right);
        }
    }

    private struct Options
    {
        public ushort Mss;
        public bool HasWindowScale;
        public byte WindowScale;
        public bool SackPermitted;
        public bool HasTimestamp;
        public uint TimestampValue;
        public uint TimestampEcho;
        public int SackCount;
        public SackBlocks Sacks;

        public void Read(ReadOnlySpan<byte> options, bool isSyn)
        {
            while (!options.IsEmpty && options[0] != OptionEnd)
            {
                if (options[0] == OptionNone)
                {
                    options = options[1..];
                    continue;
                }

                if (options.Length < 2 || options[1] < 2 || options[1] > options.Length)
                {
                    return;
                }

                int length = options[1];
                switch (options[0])
                {
                    case OptionMss when length == 4 && isSyn:
                        Mss = BinaryPrimitives.ReadUInt16BigEndian(options[2..]);
                        break;
                    case OptionWindowScale when length == 3 && isSyn:
                        HasWindowScale = true;
                        WindowScale = Math.Min(options[2], MaxWindowScale);
                        break;
                    case OptionSackPermitted when length == 2 && isSyn:
                        SackPermitted = true;
                        break;
                    case OptionTimestamp when length == 10:
                        HasTimestamp = true;
                        TimestampValue = BinaryPrimitives.ReadUInt32BigEndian(options[2..]);
                        TimestampEcho = BinaryPrimitives.ReadUInt32BigEndian(options[6..]);
                        break;
                    case OptionSack when length >= 10 && (length - 2) % 8 == 0 && !isSyn:
                        ReadSacks(options[2..length]);
                        break;
                }

                options = options[length..];
            }
        }

        private void ReadSacks(ReadOnlySpan<byte> blocks)
        {
            SackCount = 0; // of two such options the last counts
            for (; !blocks.IsEmpty && SackCount < SackBlocks.Capacity; blocks = blocks[8..])
            {
                Sacks[SackCount++] = new SackBlock(BinaryPrimitives.ReadUInt32BigEndian(blocks), BinaryPrimitives.ReadUInt32BigEndian(blocks[4..]));
            }
        }
    }
}
