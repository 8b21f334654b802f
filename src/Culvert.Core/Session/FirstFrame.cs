using System;

namespace Culvert.Core.Session;

/// <summary>What the first bytes on a gateway's transport are.</summary>
public enum FirstFrameKind : byte
{
    /// <summary>Not all of it is there.</summary>
    Incomplete,

    /// <summary>Not VSHP: something else may have been meant.</summary>
    Foreign,

    /// <summary>A new session: <see cref="VshpSession.Accept"/>.</summary>
    Hello,

    /// <summary>A session that exists: ask the <see cref="ResumeTable{T}"/>.</summary>
    Resume,

    /// <summary>Pairing.</summary>
    Pairing,
}

/// <summary>The first frame on a gateway's transport. What follows it belongs to the session or the pairing that it begins.</summary>
public readonly record struct FirstFrame
{
    /// <summary>No first frame is longer; a transport that needs more is not VSHP.</summary>
    public const int MaxSize = 1_024;

    /// <summary>HELLO; of a version that is not spoken here, only the versions are set.</summary>
    public Hello Hello { get; private init; }

    /// <summary>RESUME.</summary>
    public Resume Resume { get; private init; }

    /// <summary>PAIR_OFFER.</summary>
    public PairOffer Offer { get; private init; }

    /// <summary>Bytes that it took.</summary>
    public int Length { get; private init; }

    /// <summary>Reads it from all that has come so far. It is foreign as soon as its bytes cannot be VSHP.</summary>
    public static FirstFrameKind Read(ReadOnlySpan<byte> bytes, out FirstFrame first)
    {
        first = default;
        if (!FrameHeader.TryRead(bytes, out FrameHeader header))
        {
            return bytes.Length == 0 || IsFirst((FrameType)bytes[0]) ? FirstFrameKind.Incomplete : FirstFrameKind.Foreign;
        }

        ReadOnlySpan<byte> seen = bytes[FrameHeader.Size..Math.Min(bytes.Length, FrameHeader.Size + Hello.Magic.Length)];
        if (!IsFirst(header.Type) || header.Id != 0 || header.Flags != 0 || header.FrameLength > MaxSize || header.Length < Hello.Magic.Length + 2 || !Hello.Magic.StartsWith(seen))
        {
            return FirstFrameKind.Foreign;
        }

        if (bytes.Length < header.FrameLength)
        {
            return FirstFrameKind.Incomplete;
        }

        ReadOnlySpan<byte> payload = bytes.Slice(FrameHeader.Size, header.Length);
        switch (header.Type)
        {
            case FrameType.Hello when Hello.TryRead(payload, out Hello hello):
                first = new FirstFrame { Hello = hello, Length = header.FrameLength };
                return FirstFrameKind.Hello;
            case FrameType.Hello when payload[5] > Hello.CurrentVersion || payload[4] < Hello.CurrentVersion:
                first = new FirstFrame { Hello = new Hello { Version = payload[4], LowestVersion = payload[5] }, Length = header.FrameLength };
                return FirstFrameKind.Hello;
            case FrameType.Resume when Resume.TryRead(payload, out Resume resume):
                first = new FirstFrame { Resume = resume, Length = header.FrameLength };
                return FirstFrameKind.Resume;
            case FrameType.PairOffer when PairOffer.TryRead(payload, out PairOffer offer):
                first = new FirstFrame { Offer = offer, Length = header.FrameLength };
                return FirstFrameKind.Pairing;
            default:
                return FirstFrameKind.Foreign;
        }
    }

    private static bool IsFirst(FrameType type) => type is FrameType.Hello or FrameType.Resume or FrameType.PairOffer;
}
