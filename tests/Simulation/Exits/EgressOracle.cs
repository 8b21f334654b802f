using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Tests.Simulation.Wire;

namespace Culvert.Tests.Simulation.Exits;

/// <summary>What must hold of every packet that leaves the stack, whatever the network does to it afterwards.</summary>
internal sealed class EgressOracle
{
    private readonly Dictionary<(IpEndpoint, IpEndpoint), Seen> _seen = [];

    public void Check(byte[] bytes)
    {
        IpPacket? packet = IpPacket.Parse(bytes);
        World.Check(packet != null, "a packet that is not IP");
        World.Check(packet!.HopLimit > 0, "a hop limit of zero");
        if (packet.IsFragment)
        {
            return;
        }

        World.Check(packet.ChecksumHolds(), "a wrong transport checksum");
        if (packet.Protocol != IpPacket.Tcp)
        {
            return;
        }

        TcpSegment? parsed = TcpSegment.Parse(packet);
        World.Check(parsed != null, "a segment or option that does not parse");
        TcpSegment segment = parsed!;
        (IpEndpoint, IpEndpoint) key = (segment.Source, segment.Destination);
        if (segment.Has(Bits.Rst))
        {
            World.Check(segment.Payload.Length == 0, "an RST with data");
            _seen.Remove(key);
            return;
        }

        if (segment.Has(Bits.Syn))
        {
            World.Check(segment.Payload.Length == 0 && !segment.Has(Bits.Fin), "a SYN with data or FIN");
            bool answers = segment.Has(Bits.Ack);
            _seen[key] = new Seen(answers ? segment.Acknowledgment : null, segment.Acknowledgment + segment.Window, segment.Scale ?? 0, segment.Timestamp?.Value);
            return;
        }

        World.Check(segment.Has(Bits.Ack), "a segment without ACK");
        foreach ((uint from, uint to) in segment.Sacks)
        {
            World.Check((int)(to - from) > 0, "an empty or backward SACK block");
        }

        if (!_seen.TryGetValue(key, out Seen? last))
        {
            return; // TIME_WAIT of a connection the oracle has let go of
        }

        uint edge = segment.Acknowledgment + ((uint)segment.Window << last.Scale);
        if (last.Acknowledgment is uint acknowledged)
        {
            World.Check((int)(segment.Acknowledgment - acknowledged) >= 0, "an acknowledgment taken back");
            World.Check((int)(edge - last.Edge) >= 0, $"a window taken back by {(int)(last.Edge - edge)} bytes (RFC 9293 section 3.8.6)");
        }

        if (segment.Timestamp is (uint value, _) && last.Timestamp is uint before)
        {
            World.Check((int)(value - before) >= 0, "a timestamp that goes back");
        }

        _seen[key] = last with { Acknowledgment = segment.Acknowledgment, Edge = edge, Timestamp = segment.Timestamp?.Value };
    }

    private sealed record Seen(uint? Acknowledgment, uint Edge, int Scale, uint? Timestamp);
}
