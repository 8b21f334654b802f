using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using Culvert.Core.Packets;
using Culvert.Core.Session;

namespace Culvert.Tests.Unit.Session;

/// <summary>A frame in the words of docs/protocol-vectors.txt, to bytes and back, by the codec's own readers and writers.</summary>
internal static class VectorFrame
{
    private static readonly Dictionary<string, FrameType> Types = Enum.GetValues<FrameType>().ToDictionary(Name);

    public static byte[] Encode(string words)
    {
        string[] parts = words.Split(' ');
        Dictionary<string, string> fields = parts.Skip(1).Where(static p => p.Contains('=', StringComparison.Ordinal))
            .ToDictionary(static p => p[..p.IndexOf('=', StringComparison.Ordinal)], static p => p[(p.IndexOf('=', StringComparison.Ordinal) + 1)..]);
        uint id = fields.TryGetValue("id", out string? given) ? Number<uint>(given) : 0;
        if (parts[0] == "UNKNOWN")
        {
            return Frame((FrameType)Number<byte>(fields["type"]), Number<byte>(fields["flags"]), id, Convert.FromHexString(fields["bytes"]));
        }

        FrameType type = Types[parts[0]];
        byte flags = (byte)(parts.Any(static p => p is "fin" or "unreachable" or "refused" or "ask") ? 1 : 0);
        byte[] payload = new byte[FrameHeader.MaxPayload];
        int length = Write(type, flags, fields, payload);
        return Frame(type, flags, id, payload.AsSpan(0, length));
    }

    public static string Decode(ReadOnlySpan<byte> frame)
    {
        if (!FrameHeader.TryRead(frame, out FrameHeader header) || header.FrameLength != frame.Length || !FrameRules.Allows(header))
        {
            return "not a frame";
        }

        ReadOnlySpan<byte> payload = frame[FrameHeader.Size..];
        if (!Types.ContainsValue(header.Type))
        {
            return $"UNKNOWN type={(byte)header.Type} id={header.Id} flags={header.Flags} bytes={Hex(payload)}";
        }

        bool flagged = (header.Flags & 1) != 0;
        string rest = Read(header.Type, flagged, payload);
        string id = header.Id != 0 || header.Type == FrameType.Window ? $" id={header.Id}" : "";
        string flag = !flagged ? "" : header.Type switch
        {
            FrameType.Data => " fin",
            FrameType.Datagram => " unreachable",
            FrameType.Echoed => " refused",
            FrameType.Stats => " ask",
            _ => " a flag it has not",
        };
        return $"{Name(header.Type)}{id}{flag}{(rest.Length > 0 ? " " : "")}{rest}";
    }

    public static byte[] Frame(FrameType type, byte flags, uint id, ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[FrameHeader.Size + payload.Length];
        new FrameHeader(type, flags, (ushort)payload.Length, id).Write(frame);
        payload.CopyTo(frame.AsSpan(FrameHeader.Size));
        return frame;
    }

    public static VshpDestination Destination(string text)
    {
        if (text.StartsWith("unix:", StringComparison.Ordinal))
        {
            return VshpDestination.ToPath(text[5..]);
        }

        int colon = text.LastIndexOf(':');
        ushort port = Number<ushort>(text[(colon + 1)..]);
        string host = text[..colon].Trim('[', ']');
        return IPAddress.TryParse(host, out IPAddress? address) ? VshpDestination.To(IpAddr.From(address), port) : VshpDestination.ToName(host, port);
    }

    private static int Write(FrameType type, byte flags, Dictionary<string, string> fields, Span<byte> payload)
    {
        Bytes32 Value(string name) => new(Convert.FromHexString(fields[name]));
        VshpReason Reason() => Enum.Parse<VshpReason>(fields["reason"]);
        switch (type)
        {
            case FrameType.Open:
                return Destination(fields["to"]).Write(payload);
            case FrameType.Refused or FrameType.Reset or FrameType.PairDone:
            case FrameType.Echoed when flags != 0:
                return new Ending(Reason(), "").Write(payload);
            case FrameType.End:
                return new Ending(Reason(), fields["text"]).Write(payload);
            case FrameType.GoAway:
                return new GoAway(Number<uint>(fields["last"]), Reason(), fields["text"]).Write(payload);
            case FrameType.Window or FrameType.Ack or FrameType.Resumed or FrameType.Ping or FrameType.Pong:
                string number = fields.First(static f => f.Key is "limit" or "received" or "number").Value;
                System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(payload, Number<long>(number));
                return 8;
            case FrameType.Datagram or FrameType.Echo:
                int size = Destination(fields["at"]).Write(payload);
                return size + Bytes(fields, payload[size..]);
            case FrameType.Control:
                System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(payload, Number<ushort>(fields["kind"]));
                return 2 + Bytes(fields, payload[2..]);
            case FrameType.Stats:
                long[] n = [.. fields["numbers"].Split(',').Select(static x => Number<long>(x))];
                return new VshpStats(n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8]).Write(payload);
            case FrameType.Gone:
                return new Gone(Reason(), Number<ulong>(fields["instance"])).Write(payload);
            case FrameType.Resume:
                return new Resume(Number<byte>(fields["version"]), Value("ticket"), Value("next"), Number<long>(fields["received"])).Write(payload);
            case FrameType.Hello:
                return new Hello
                {
                    Version = Number<byte>(fields["version"]),
                    LowestVersion = Number<byte>(fields["lowest"]),
                    ResumeSeconds = Number<ushort>(fields["resume"]),
                    Capabilities = (VshpCapabilities)Number<uint>(fields["capabilities"]),
                    StreamWindow = Number<uint>(fields["stream"]),
                    SessionWindow = Number<uint>(fields["session"]),
                    Flows = Number<uint>(fields["flows"]),
                    Exchanges = Number<ushort>(fields["exchanges"]),
                    Instance = Number<ulong>(fields["instance"]),
                    Ticket = Value("ticket"),
                    Software = fields["software"],
                }.Write(payload);
            case FrameType.PairOffer:
                return new PairOffer(Number<byte>(fields["version"]), Value("commitment"), fields["name"]).Write(payload);
            case FrameType.PairAnswer:
                return new PairAnswer(Value("nonce"), fields["name"]).Write(payload);
            case FrameType.PairReveal:
                return new PairReveal(Value("nonce"), Value("proof")).Write(payload);
            case FrameType.PairCheck:
                Value("proof").Write(payload);
                return Bytes32.Size;
            default:
                return fields.ContainsKey("bytes") ? Bytes(fields, payload) : 0;
        }
    }

    private static string Read(FrameType type, bool flagged, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case FrameType.Open:
                return VshpDestination.TryRead(payload, out VshpDestination to, out int size) && size == payload.Length ? $"to={to}" : "unreadable";
            case FrameType.Refused or FrameType.Reset or FrameType.PairDone:
            case FrameType.Echoed when flagged:
                return Ending.TryRead(payload, out Ending refusal) ? $"reason={refusal.Reason}" : "unreadable";
            case FrameType.End:
                return Ending.TryRead(payload, out Ending ending) ? $"reason={ending.Reason} text={ending.Text}" : "unreadable";
            case FrameType.GoAway:
                return GoAway.TryRead(payload, out GoAway away) ? $"last={away.LastId} reason={away.Reason} text={away.Text}" : "unreadable";
            case FrameType.Window or FrameType.Ack or FrameType.Resumed or FrameType.Ping or FrameType.Pong:
                string name = type == FrameType.Window ? "limit" : type is FrameType.Ack or FrameType.Resumed ? "received" : "number";
                return Culvert.Core.Session.Number.TryRead(payload, out long number) ? $"{name}={number}" : "unreadable";
            case FrameType.Datagram or FrameType.Echo:
                return VshpDestination.TryRead(payload, out VshpDestination at, out int taken) ? $"at={at} bytes={Hex(payload[taken..])}" : "unreadable";
            case FrameType.Control:
                return $"kind={(payload[0] << 8) | payload[1]} bytes={Hex(payload[2..])}";
            case FrameType.Stats:
                return VshpStats.TryRead(payload, out VshpStats s)
                    ? $"numbers={s.Seconds},{s.Open},{s.Opened},{s.BytesSent},{s.BytesReceived},{s.DatagramsSent},{s.DatagramsReceived},{s.DatagramsDropped},{s.Resumes}"
                    : "unreadable";
            case FrameType.Gone:
                return Gone.TryRead(payload, out Gone gone) ? $"reason={gone.Reason} instance={gone.Instance}" : "unreadable";
            case FrameType.Resume:
                return Resume.TryRead(payload, out Resume resume)
                    ? $"version={resume.Version} ticket={Hex(resume.Ticket)} next={Hex(resume.Next)} received={resume.Received}"
                    : "unreadable";
            case FrameType.Hello:
                return Hello.TryRead(payload, out Hello h)
                    ? $"version={h.Version} lowest={h.LowestVersion} resume={h.ResumeSeconds} capabilities={(uint)h.Capabilities} stream={h.StreamWindow} session={h.SessionWindow} "
                        + $"flows={h.Flows} exchanges={h.Exchanges} instance={h.Instance} ticket={Hex(h.Ticket)} software={h.Software}"
                    : "unreadable";
            case FrameType.PairOffer:
                return PairOffer.TryRead(payload, out PairOffer offer) ? $"version={offer.Version} commitment={Hex(offer.Commitment)} name={offer.Name}" : "unreadable";
            case FrameType.PairAnswer:
                return PairAnswer.TryRead(payload, out PairAnswer answer) ? $"nonce={Hex(answer.Nonce)} name={answer.Name}" : "unreadable";
            case FrameType.PairReveal:
                return PairReveal.TryRead(payload, out PairReveal reveal) ? $"nonce={Hex(reveal.Nonce)} proof={Hex(reveal.Proof)}" : "unreadable";
            case FrameType.PairCheck:
                return $"proof={Hex(payload)}";
            case FrameType.Opened or FrameType.Associate or FrameType.PairConfirm:
                return "";
            default:
                return $"bytes={Hex(payload)}";
        }
    }

    private static string Name(FrameType type) => type switch
    {
        FrameType.PairOffer => "PAIR_OFFER",
        FrameType.PairAnswer => "PAIR_ANSWER",
        FrameType.PairReveal => "PAIR_REVEAL",
        FrameType.PairCheck => "PAIR_CHECK",
        FrameType.PairConfirm => "PAIR_CONFIRM",
        FrameType.PairDone => "PAIR_DONE",
        _ => type.ToString().ToUpperInvariant(),
    };

    private static int Bytes(Dictionary<string, string> fields, Span<byte> payload)
    {
        byte[] bytes = Convert.FromHexString(fields["bytes"]);
        bytes.CopyTo(payload);
        return bytes.Length;
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    private static string Hex(Bytes32 value)
    {
        byte[] bytes = new byte[Bytes32.Size];
        value.Write(bytes);
        return Hex(bytes);
    }

    private static T Number<T>(string text)
        where T : IParsable<T> => T.Parse(text, CultureInfo.InvariantCulture);
}
