using System;
using System.Collections.Generic;
using System.Net;
using System.Text;
using Culvert.Core.Dns;

namespace Culvert.Core.Mdns;

/// <summary>A resource record of multicast DNS (RFC 6762 section 10).</summary>
/// <param name="Name">Its owner, as <see cref="DnsName"/> writes it.</param>
/// <param name="Type">Its type.</param>
/// <param name="IsUnique">The cache-flush bit: only its sender has records of this name and type, and these are all of them.</param>
/// <param name="Ttl">How long it may be kept, in seconds; 0 says that it is gone.</param>
/// <param name="Data">Its data in wire form, names in it uncompressed and in the case they were written in.</param>
public readonly record struct MdnsRecord(string Name, DnsType Type, bool IsUnique, uint Ttl, ReadOnlyMemory<byte> Data)
{
    private const int SrvFields = 6;

    /// <summary>Bytes of a record besides its owner's name and its data.</summary>
    internal const int Fields = 10;

    /// <summary>The name that a PTR or SRV record leads to, as <see cref="DnsName"/> writes it; empty for others.</summary>
    public string Target
    {
        get
        {
            int at = 0;
            return !TargetWire.IsEmpty && DnsName.TryRead(TargetWire, ref at, out string name) ? name : "";
        }
    }

    /// <summary>That name in wire form.</summary>
    public ReadOnlySpan<byte> TargetWire => Type switch
    {
        DnsType.Ptr => Data.Span,
        DnsType.Srv when Data.Length > SrvFields => Data.Span[SrvFields..],
        _ => default,
    };

    /// <summary>A PTR record to <paramref name="target"/>, which many may have.</summary>
    public static MdnsRecord Pointer(string name, string target, uint ttl) => new(name, DnsType.Ptr, IsUnique: false, ttl, Wire(target));

    /// <summary>An SRV record without preference (RFC 2782).</summary>
    public static MdnsRecord Service(string name, string host, ushort port, uint ttl) =>
        new(name, DnsType.Srv, IsUnique: true, ttl, (byte[])[0, 0, 0, 0, (byte)(port >> 8), (byte)port, .. Wire(host)]);

    /// <summary>A TXT record of these strings of at most 255 bytes (RFC 6763 section 6.1).</summary>
    public static MdnsRecord Text(string name, uint ttl, params ReadOnlySpan<string> strings)
    {
        List<byte> data = [];
        foreach (string each in strings)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(each);
            data.Add(checked((byte)bytes.Length));
            data.AddRange(bytes);
        }

        return new(name, DnsType.Txt, IsUnique: true, ttl, data.Count > 0 ? data.ToArray() : [0]);
    }

    /// <summary>An A or AAAA record.</summary>
    public static MdnsRecord Address(string name, IPAddress address, uint ttl)
    {
        DnsRecord record = DnsRecord.Address(address, ttl);
        return new(name, record.Type, IsUnique: true, ttl, record.Data);
    }

    /// <summary>Whether both say the same, whatever their times.</summary>
    public bool Says(in MdnsRecord other) => Type == other.Type && Name == other.Name && Data.Span.SequenceEqual(other.Data.Span);

    private static byte[] Wire(string name)
    {
        byte[] wire = new byte[DnsName.MaxWire];
        return DnsName.TryWrite(name, wire, out int written) ? wire[..written] : throw new ArgumentException("Not a domain name.", nameof(name));
    }
}
