using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Text;

namespace Culvert.Tests.Lab.Peers;

/// <summary>
/// The names that the lab's resolver knows, and its answers as raw DNS messages (RFC 1035). Written without the product's codec on purpose: an error
/// there must not be mirrored here.
/// </summary>
public sealed class DnsZone
{
    private const int TypeA = 1;
    private const int TypeCname = 5;
    private const int TypeMx = 15;
    private const int TypeTxt = 16;
    private const int TypeAaaa = 28;
    private const int TypeOpt = 41;

    private readonly Dictionary<(string Name, int Type), List<byte[]>> _records = [];
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);
    private readonly Host? _lie;

    /// <summary>The zone of a lab: <c>*.lab.example</c>.</summary>
    public DnsZone(LabNetwork network)
    {
        Address("web.lab.example", network.Internet.V4, network.Internet.V6);
        Address("v4.lab.example", network.Internet.V4);
        Address("v6.lab.example", network.Internet.V6);
        Address("exit.lab.example", network.Exit.V4);
        // IPv6 leads nowhere, IPv4 works: what happy eyeballs is for.
        Address("half.lab.example", network.BlackHole6, network.Internet.V4);
        Address("hole.lab.example", network.BlackHole);
        Add("alias.lab.example", TypeCname, EncodeName("web.lab.example"));
        Add("lab.example", TypeMx, [0, 10, .. EncodeName("mail.lab.example")]);
        Add("lab.example", TypeTxt, Text("v=lab of culvert"));
        Add("big.lab.example", TypeTxt, [.. Enumerable.Range(0, 16).SelectMany(number => Text(new string((char)('a' + number), 250)))]);
    }

    private DnsZone(Host lie) => _lie = lie;

    /// <summary>A zone that knows every name there is, and says of each that it is <paramref name="lie"/>.</summary>
    public static DnsZone Lying(Host lie) => new(lie);

    /// <summary>Answers one query; null when it is not one.</summary>
    public byte[]? Answer(ReadOnlySpan<byte> query, bool stream)
    {
        if (query.Length < 17 || (query[2] & 0x80) != 0 || BinaryPrimitives.ReadUInt16BigEndian(query[4..]) != 1)
        {
            return null;
        }

        int at = 12;
        StringBuilder name = new();
        while (at < query.Length && query[at] != 0)
        {
            int length = query[at];
            if (length > 63 || at + 1 + length >= query.Length)
            {
                return null;
            }

            name.Append(name.Length > 0 ? "." : "").Append(Encoding.ASCII.GetString(query.Slice(at + 1, length)));
            at += length + 1;
        }

        if (at + 5 > query.Length)
        {
            return null;
        }

        int type = BinaryPrimitives.ReadUInt16BigEndian(query[(at + 1)..]);
        ReadOnlySpan<byte> question = query[12..(at + 5)];
        int room = stream ? 65535 : RoomOf(query, at + 5);
        string asked = name.ToString();
        List<(byte[] Owner, int Type, byte[] Data)> answers = [];
        if (_records.TryGetValue((asked.ToLowerInvariant(), TypeCname), out List<byte[]>? alias))
        {
            answers.Add(([0xC0, 12], TypeCname, alias[0]));
            answers.AddRange(Find("web.lab.example", type).Select(data => (EncodeName("web.lab.example"), type, data)));
        }
        else
        {
            answers.AddRange(Find(asked, type).Select(data => (new byte[] { 0xC0, 12 }, type, data)));
        }

        bool known = _lie is not null || _names.Contains(asked);
        byte[] full = Write(query, question, known, answers, false);
        return full.Length <= room ? full : Write(query, question, known, [], true);
    }

    /// <summary>The first IPv4 address of a name, or else its first IPv6 address; null when it has none.</summary>
    public IPAddress? Find(string name) => Find(name, TypeA).Concat(Find(name, TypeAaaa)).Select(data => new IPAddress(data)).FirstOrDefault();

    /// <summary>A name in wire form.</summary>
    private static byte[] EncodeName(string name) => [.. name.Split('.').SelectMany(label => (byte[])[(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]), 0];

    private static byte[] Text(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    private static int RoomOf(ReadOnlySpan<byte> query, int at) => BinaryPrimitives.ReadUInt16BigEndian(query[10..]) > 0 && at + 5 <= query.Length && query[at] == 0 && BinaryPrimitives.ReadUInt16BigEndian(query[(at + 1)..]) == TypeOpt
        ? Math.Max(512, (int)BinaryPrimitives.ReadUInt16BigEndian(query[(at + 3)..]))
        : 512;

    private static byte[] Write(ReadOnlySpan<byte> query, ReadOnlySpan<byte> question, bool known, List<(byte[] Owner, int Type, byte[] Data)> answers, bool truncated)
    {
        using MemoryStream message = new();
        message.Write(query[..2]);
        message.WriteByte((byte)(0x84 | (query[2] & 1) | (truncated ? 2 : 0)));
        message.WriteByte((byte)(0x80 | (known ? 0 : 3)));
        message.Write([0, 1, 0, (byte)answers.Count, 0, 0, 0, 0]);
        message.Write(question);
        foreach ((byte[] owner, int type, byte[] data) in answers)
        {
            message.Write(owner);
            message.Write([(byte)(type >> 8), (byte)type, 0, 1, 0, 0, 1, 44, (byte)(data.Length >> 8), (byte)data.Length]);
            message.Write(data);
        }

        return message.ToArray();
    }

    private void Address(string name, params IPAddress[] addresses)
    {
        foreach (IPAddress address in addresses)
        {
            byte[] bytes = address.GetAddressBytes();
            Add(name, bytes.Length == 4 ? TypeA : TypeAaaa, bytes);
        }
    }

    private void Add(string name, int type, byte[] data)
    {
        _names.Add(name);
        if (!_records.TryGetValue((name, type), out List<byte[]>? records))
        {
            _records[(name, type)] = records = [];
        }

        records.Add(data);
    }

    private List<byte[]> Find(string name, int type) => (_lie, type) switch
    {
        ({ } lie, TypeA) => [lie.V4.GetAddressBytes()],
        ({ } lie, TypeAaaa) => [lie.V6.GetAddressBytes()],
        _ => _records.GetValueOrDefault((name.ToLowerInvariant(), type)) ?? [],
    };
}
