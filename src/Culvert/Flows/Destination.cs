using System;
using System.Net;
using System.Net.Sockets;

namespace Culvert.Flows;

/// <summary>What an application asked for: a host name or an address, and a port. Exactly one of the first two is set.</summary>
public readonly record struct Destination
{
    /// <summary>A destination known by its address; an IPv4-mapped one becomes IPv4.</summary>
    public Destination(IPAddress address, int port)
    {
        Address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        Port = checked((ushort)port);
    }

    /// <summary>A destination known by its name; a name that is an address in text form becomes that address.</summary>
    public Destination(string host, int port)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        if (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) && (address.AddressFamily == AddressFamily.InterNetworkV6 || host.Split('.').Length == 4))
        {
            Address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        }
        else
        {
            Name = host.TrimEnd('.');
        }

        Port = checked((ushort)port);
    }

    /// <summary>The host's name, to be resolved where the exit is; null when the address is known.</summary>
    public string? Name { get; }

    /// <summary>The host's address; null when only the name is known.</summary>
    public IPAddress? Address { get; }

    /// <summary>TCP or UDP port.</summary>
    public ushort Port { get; }

    /// <summary>The name or the address in text form, without brackets.</summary>
    public string Host => Name ?? Address?.ToString() ?? "";

    /// <summary><c>host:port</c>, an IPv6 address in brackets (RFC 3986 section 3.2.2).</summary>
    public override string ToString() => Address?.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{Address}]:{Port}" : $"{Host}:{Port}";
}
