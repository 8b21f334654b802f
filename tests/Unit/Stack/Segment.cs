using Culvert.Core.Packets;
using Xunit;

namespace Culvert.Tests.Unit.Stack;

/// <summary>A packet that the stack sent, taken apart; of TCP when <see cref="Ip"/> says so.</summary>
internal sealed class Segment
{
    public required IpHeader Ip { get; init; }

    public required byte[] Packet { get; init; }

    public required PacketOffload Offload { get; init; }

    public TcpHeader Tcp { get; private init; }

    public byte[] Payload { get; private init; } = [];

    public TcpFlags Flags => Tcp.Flags;

    public uint Sequence => Tcp.Sequence;

    public uint Acknowledgment => Tcp.Acknowledgment;

    public uint TimestampValue => Tcp.TimestampValue;

    public static Segment Read(in OutgoingPacket packet, bool offloads)
    {
        byte[] bytes = [.. packet.Header, .. packet.Payload];
        Assert.True(IpHeader.TryParse(bytes, out IpHeader ip));
        Assert.Equal(bytes.Length, ip.TotalLength);
        byte[] transport = bytes[ip.HeaderLength..];
        if (ip.Protocol != IpProtocol.Tcp)
        {
            return new Segment { Ip = ip, Packet = bytes, Offload = packet.Offload, Payload = transport };
        }

        if (packet.Offload.Checksum == ChecksumState.Complete)
        {
            Assert.True(Checksum.IsTransportValid(ip, transport), "the checksum is wrong");
        }
        else
        {
            Assert.True(offloads, "an offload on a link that has none");
        }

        Assert.True(TcpHeader.TryParse(transport, out TcpHeader tcp));
        return new Segment { Ip = ip, Packet = bytes, Offload = packet.Offload, Tcp = tcp, Payload = transport[tcp.HeaderLength..] };
    }

    public override string ToString() => $"{Flags} seq={Sequence} ack={Acknowledgment} win={Tcp.Window} len={Payload.Length}";
}
