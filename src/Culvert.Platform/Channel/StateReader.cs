using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Culvert.Platform.Channel;

/// <summary>Reads the lists of a <see cref="TunnelState"/>, strictly: what the other side would not write is false.</summary>
internal ref struct StateReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _left = bytes;

    /// <summary>Reads one entry of a list.</summary>
    public delegate bool Entry<T>(ref StateReader reader, out T entry);

    /// <summary>Nothing is left.</summary>
    public readonly bool AtEnd => _left.IsEmpty;

    /// <summary>Reads a list.</summary>
    public bool TryList<T>(Entry<T> entry, [NotNullWhen(true)] out List<T>? list)
    {
        list = null;
        if (_left.Length < sizeof(ushort))
        {
            return false;
        }

        int count = BinaryPrimitives.ReadUInt16LittleEndian(_left);
        _left = _left[sizeof(ushort)..];
        if (count > TunnelState.MaximumEntries)
        {
            return false;
        }

        List<T> read = [];
        while (read.Count < count)
        {
            if (!entry(ref this, out T one))
            {
                return false;
            }

            read.Add(one);
        }

        list = read;
        return true;
    }

    public static bool Address(ref StateReader reader, out LinkAddress address)
    {
        address = default;
        ReadOnlySpan<byte> left = reader._left;
        if (left.Length < 2 || left[0] is not (4 or 6))
        {
            return false;
        }

        int size = left[0] == 4 ? 4 : 16;
        if (left[1] > size * 8 || left.Length < 2 + size)
        {
            return false;
        }

        address = new LinkAddress(new IPAddress(left.Slice(2, size)), left[1]);
        reader._left = left[(2 + size)..];
        return !address.Address.IsIPv4MappedToIPv6;
    }

    /// <summary>A prefix without bits behind its length.</summary>
    public static bool Network(ref StateReader reader, out IPNetwork network)
    {
        network = default;
        if (!Address(ref reader, out LinkAddress address))
        {
            return false;
        }

        network = new IPNetwork(address.Address, address.PrefixLength); // clears the bits behind its length
        return network.BaseAddress.Equals(address.Address);
    }

    public static bool Bypass(ref StateReader reader, out Bypass bypass)
    {
        bypass = default;
        if (!Network(ref reader, out IPNetwork network) || reader._left.Length < 3)
        {
            return false;
        }

        bypass = new Bypass(network, reader._left[0], BinaryPrimitives.ReadUInt16LittleEndian(reader._left[1..]));
        reader._left = reader._left[3..];
        return bypass.Protocol is Channel.Bypass.Tcp or Channel.Bypass.Udp || bypass is { Protocol: 0, Port: 0 };
    }

    /// <summary>A single address.</summary>
    public static bool Host(ref StateReader reader, out IPAddress host)
    {
        bool read = Address(ref reader, out LinkAddress address);
        host = address.Address;
        return read && address.PrefixLength == host.GetAddressBytes().Length * 8;
    }
}
