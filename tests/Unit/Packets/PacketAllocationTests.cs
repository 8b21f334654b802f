using System;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Xunit;

namespace Culvert.Tests.Unit.Packets;

public sealed class PacketAllocationTests
{
    [Fact]
    public void ReadingWritingAndReassemblingAllocatesNothing()
    {
        PacketPool pool = new();
        Reassembler reassembler = new(pool, 1 << 20, new DropCounters());
        byte[] segment = SamplePackets.Tcp(true, new TcpHeader { Flags = TcpFlags.Ack, HasTimestamp = true, SackCount = 2 }, 500);
        byte[] datagram = SamplePackets.Udp(false, 2_000);
        byte[] scratch = new byte[2048];
        List<byte[]> fragments = SamplePackets.UdpFragments(true, 5_000, 1500, 1);
        long checks = 0;

        void Round()
        {
            Assert.True(IpHeader.TryParse(segment, out IpHeader ip));
            Assert.True(Checksum.IsTransportValid(ip, segment.AsSpan(ip.HeaderLength)));
            Assert.True(TcpHeader.TryParse(segment.AsSpan(ip.HeaderLength), out TcpHeader tcp));
            checks += tcp.Write(scratch);
            Assert.True(IpHeader.TryParse(datagram, out IpHeader udp));
            checks += IcmpError.Write(scratch, udp, datagram, udp.Destination, IcmpErrorKind.PortUnreachable);
            Fragmenter fragmenter = new(udp.Source, udp.Destination, IpProtocol.Udp, 1280, 7);
            while (fragmenter.TryNext(scratch, datagram.AsSpan(40, 8), datagram.AsSpan(48), out OutgoingPacket packet))
            {
                checks += packet.Length;
            }

            foreach (byte[] fragment in fragments)
            {
                PacketBuffer buffer = pool.Rent(fragment.Length);
                fragment.CopyTo(buffer.Array, 0);
                buffer.Length = fragment.Length;
                Assert.True(IpHeader.TryParse(buffer.Span, out IpHeader piece));
                reassembler.Add(buffer, piece, now: 0)?.Release();
            }
        }

        for (int i = 0; i < 100; i++)
        {
            Round();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
        {
            Round();
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(0, pool.Outstanding);
        Assert.True(checks > 0);
        Assert.Equal(0, allocated);
    }
}
