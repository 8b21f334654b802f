using System.Globalization;
using System.Text;

namespace Culvert.Tests.Simulation.Wire;

/// <summary>A packet as one line, for the trace of a failure.</summary>
internal static class Describe
{
    public static string Packet(byte[] bytes)
    {
        if (IpPacket.Parse(bytes) is not IpPacket packet)
        {
            return $"not IP, {bytes.Length} bytes";
        }

        if (packet.IsFragment)
        {
            return $"fragment {packet.Id} of protocol {packet.Protocol}: {packet.FragmentOffset}+{packet.Payload.Length}{(packet.MoreFragments ? "…" : "")}";
        }

        if (TcpSegment.Parse(packet) is TcpSegment tcp)
        {
            StringBuilder text = new();
            text.Append(CultureInfo.InvariantCulture, $"{tcp.Source.Port}>{tcp.Destination.Port} {tcp.Flags} seq {tcp.Sequence} len {tcp.Payload.Length} ack {tcp.Acknowledgment} win {tcp.Window}");
            if (tcp.Mss is ushort mss)
            {
                text.Append(CultureInfo.InvariantCulture, $" mss {mss} scale {tcp.Scale?.ToString(CultureInfo.InvariantCulture) ?? "-"} sackok {tcp.SackPermitted}");
            }

            if (tcp.Timestamp is (uint value, uint echo))
            {
                text.Append(CultureInfo.InvariantCulture, $" ts {value}/{echo}");
            }

            foreach ((uint from, uint to) in tcp.Sacks)
            {
                text.Append(CultureInfo.InvariantCulture, $" sack {from}-{to}");
            }

            return text.ToString();
        }

        return UdpDatagram.Parse(packet) is UdpDatagram udp ? $"udp {udp.Source}>{udp.Destination} {udp.Payload.Length} bytes"
            : IcmpMessage.Parse(packet) is IcmpMessage icmp ? $"icmp type {icmp.Type} code {icmp.Code}, {icmp.Rest.Length} bytes"
            : $"protocol {packet.Protocol}, {packet.Payload.Length} bytes";
    }
}
