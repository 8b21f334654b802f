using System;
using System.Buffers.Binary;

namespace Culvert.Core.Session;

/// <summary>The first frame of a session, each way (docs/protocol.md, The beginning).</summary>
public readonly record struct Hello
{
    /// <summary>The version spoken here.</summary>
    public const byte CurrentVersion = 1;

    /// <summary>Bytes of the payload without the software's name.</summary>
    public const int MinSize = 69;

    /// <summary>Bytes of the longest payload that we write.</summary>
    public const int MaxSize = MinSize + MaxSoftware;

    private const int MaxSoftware = 64;

    /// <summary>The device's highest version, or the one that the gateway has chosen.</summary>
    public byte Version { get; init; }

    /// <summary>The device's lowest version.</summary>
    public byte LowestVersion { get; init; }

    /// <summary>Seconds for which the session outlives its transport.</summary>
    public ushort ResumeSeconds { get; init; }

    /// <summary>What the sender carries; bits that nobody knows may be among them.</summary>
    public VshpCapabilities Capabilities { get; init; }

    /// <summary>Bytes that the other may send on each stream at first.</summary>
    public uint StreamWindow { get; init; }

    /// <summary>Bytes that the other may send on all streams together at first.</summary>
    public uint SessionWindow { get; init; }

    /// <summary>Streams and associations that the other may have open.</summary>
    public uint Flows { get; init; }

    /// <summary>Questions that the other may have unanswered.</summary>
    public ushort Exchanges { get; init; }

    /// <summary>The gateway's number, another after each start.</summary>
    public ulong Instance { get; init; }

    /// <summary>The device's first ticket.</summary>
    public Bytes32 Ticket { get; init; }

    /// <summary>What speaks, for people.</summary>
    public string Software { get; init; }

    /// <summary>The four bytes that every first frame of a device begins with.</summary>
    internal static ReadOnlySpan<byte> Magic => "VSHP"u8;

    /// <summary>Reads the payload. Whether the versions go together is not looked at.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out Hello hello)
    {
        hello = default;
        if (payload.Length < MinSize || !payload.StartsWith(Magic) || payload[68] > MaxSoftware || payload.Length < MinSize + payload[68]
            || !WireText.TryRead(payload.Slice(MinSize, payload[68]), out string software))
        {
            return false;
        }

        hello = new Hello
        {
            Version = payload[4],
            LowestVersion = payload[5],
            ResumeSeconds = BinaryPrimitives.ReadUInt16BigEndian(payload[6..]),
            Capabilities = (VshpCapabilities)BinaryPrimitives.ReadUInt32BigEndian(payload[8..]),
            StreamWindow = BinaryPrimitives.ReadUInt32BigEndian(payload[12..]),
            SessionWindow = BinaryPrimitives.ReadUInt32BigEndian(payload[16..]),
            Flows = BinaryPrimitives.ReadUInt32BigEndian(payload[20..]),
            Exchanges = BinaryPrimitives.ReadUInt16BigEndian(payload[24..]),
            Instance = BinaryPrimitives.ReadUInt64BigEndian(payload[28..]),
            Ticket = new Bytes32(payload.Slice(36, Bytes32.Size)),
            Software = software,
        };
        return hello.StreamWindow >= VshpOptions.LeastStreamWindow && hello.SessionWindow >= VshpOptions.LeastSessionWindow && hello.Instance < Number.Bound;
    }

    /// <summary>Writes the payload and returns its length, at most <see cref="MaxSize"/>.</summary>
    public int Write(Span<byte> payload)
    {
        Magic.CopyTo(payload);
        payload[4] = Version;
        payload[5] = LowestVersion;
        BinaryPrimitives.WriteUInt16BigEndian(payload[6..], ResumeSeconds);
        BinaryPrimitives.WriteUInt32BigEndian(payload[8..], (uint)Capabilities);
        BinaryPrimitives.WriteUInt32BigEndian(payload[12..], StreamWindow);
        BinaryPrimitives.WriteUInt32BigEndian(payload[16..], SessionWindow);
        BinaryPrimitives.WriteUInt32BigEndian(payload[20..], Flows);
        BinaryPrimitives.WriteUInt16BigEndian(payload[24..], Exchanges);
        BinaryPrimitives.WriteUInt16BigEndian(payload[26..], 0);
        BinaryPrimitives.WriteUInt64BigEndian(payload[28..], Instance);
        Ticket.Write(payload[36..]);
        int length = WireText.Write(Software ?? "", payload.Slice(MinSize, MaxSoftware));
        payload[68] = (byte)length;
        return MinSize + length;
    }
}
