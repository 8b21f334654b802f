using System;
using System.Net;
using System.Net.Sockets;

namespace Culvert.Core.Dns;

/// <summary>A record that answers the question asked: its owner is the question's name, its class the question's.</summary>
/// <param name="Type">The record's type.</param>
/// <param name="Ttl">How long it may be kept, in seconds.</param>
/// <param name="Data">Its data in wire form, without compression.</param>
public readonly record struct DnsRecord(DnsType Type, uint Ttl, ReadOnlyMemory<byte> Data)
{
    /// <summary>An A or AAAA record.</summary>
    public static DnsRecord Address(IPAddress address, uint ttl) =>
        new(address.AddressFamily == AddressFamily.InterNetwork ? DnsType.A : DnsType.Aaaa, ttl, address.GetAddressBytes());

    /// <summary>A PTR record to <paramref name="name"/>, which is a valid name in text form.</summary>
    public static DnsRecord Pointer(string name, uint ttl)
    {
        byte[] wire = new byte[DnsName.MaxWire];
        return DnsName.TryWrite(name, wire, out int written)
            ? new DnsRecord(DnsType.Ptr, ttl, wire.AsMemory(0, written))
            : throw new ArgumentException("Not a domain name.", nameof(name));
    }
}
