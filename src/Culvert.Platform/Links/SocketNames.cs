using System;
using System.Buffers.Binary;
using Culvert.Core.Packets;
using Culvert.Platform.Interop;

namespace Culvert.Platform.Links;

/// <summary>Endpoints as the system writes them for a socket: sockaddr_in, or sockaddr_in6 with IPv4 in its mapped form.</summary>
internal static unsafe class SocketNames
{
    /// <summary>Writes <paramref name="endpoint"/> for a socket of IPv4 or of both versions; returns the length.</summary>
    public static int Write(Libc.SocketName* name, IpEndpoint endpoint, bool v4)
    {
        Span<byte> bytes = new(name, Libc.SocketName.SizeV6);
        bytes.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], endpoint.Port);
        if (v4)
        {
            BitConverter.TryWriteBytes(bytes, (ushort)Libc.AF_INET);
            endpoint.Address.Write(bytes[4..]);
            return Libc.SocketName.SizeV4;
        }

        BitConverter.TryWriteBytes(bytes, (ushort)Libc.AF_INET6);
        BinaryPrimitives.WriteUInt128BigEndian(bytes[8..], endpoint.Address.Bits);
        return Libc.SocketName.SizeV6;
    }

    /// <summary>Reads what the system wrote; default for another family.</summary>
    public static IpEndpoint Read(Libc.SocketName* name)
    {
        ReadOnlySpan<byte> bytes = new(name, Libc.SocketName.SizeV6);
        ushort port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        return BitConverter.ToUInt16(bytes) switch
        {
            Libc.AF_INET => new IpEndpoint(IpAddr.Read(bytes.Slice(4, 4)), port),
            Libc.AF_INET6 => new IpEndpoint(IpAddr.Read(bytes.Slice(8, 16)), port),
            _ => default,
        };
    }
}
