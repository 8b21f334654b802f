using System;
using System.Net;
using BenchmarkDotNet.Attributes;
using Culvert.Core.Packets;

namespace Culvert.Bench.Micro;

/// <summary>Reading and writing the headers of one segment.</summary>
public class HeaderBench
{
    private static readonly TcpHeader Written = new() { SourcePort = 40_000, DestinationPort = 443, Sequence = 1, Acknowledgment = 2, Flags = TcpFlags.Ack, Window = 500, HasTimestamp = true };

    private readonly byte[] _device = new byte[VirtioNetHeader.Size];
    private readonly byte[] _packet = new byte[2_000];
    private IpAddr _from;
    private IpAddr _to;
    private int _length;

    /// <summary>IPv4 or IPv6.</summary>
    [Params(4, 6)]
    public int Version { get; set; }

    /// <summary>Writes what is read.</summary>
    [GlobalSetup]
    public void Prepare()
    {
        _from = IpAddr.From(IPAddress.Parse(Version == 4 ? "10.0.0.1" : "2001:db8::1"));
        _to = IpAddr.From(IPAddress.Parse(Version == 4 ? "192.0.2.7" : "2001:db8::7"));
        _length = Write() + 1_000;
        VirtioNetHeader.Write(_device, new OutgoingPacket(_packet, default, new PacketOffload(ChecksumState.Partial, 0)));
    }

    /// <summary>The device's header, the IP header and the TCP header with a timestamp.</summary>
    [Benchmark]
    public uint Read()
    {
        ReadOnlySpan<byte> packet = _packet.AsSpan(0, _length);
        return VirtioNetHeader.TryRead(_device, packet, out _) && IpHeader.TryParse(packet, out IpHeader ip) && TcpHeader.TryParse(packet[ip.HeaderLength..], out TcpHeader tcp)
            ? tcp.Sequence
            : throw new InvalidOperationException("A good packet is refused.");
    }

    /// <summary>The IP header and the TCP header.</summary>
    [Benchmark]
    public int Write()
    {
        int start = IpWriter.Write(_packet, _from, _to, IpProtocol.Tcp, Written.WrittenLength + 1_000);
        return start + Written.Write(_packet.AsSpan(start));
    }
}
