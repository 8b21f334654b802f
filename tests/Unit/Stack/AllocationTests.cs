using System;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Tests.Unit.Packets;
using Xunit;

namespace Culvert.Tests.Unit.Stack;

/// <summary>Once a flow is warm, the stack allocates nothing, whichever way its bytes go: to the byte, by the thread's own count.</summary>
public sealed class AllocationTests
{
    private const int WarmUp = 3_000;
    private const int Counted = 12_000;

    /// <summary>Rounds of bulk down without offloads, of some ninety packets each.</summary>
    private const int RoundsOfMany = 3_000;

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void BulkUpAllocatesNothing(bool offloads, bool v6)
    {
        using ScriptedPeer peer = Peer(offloads, v6);
        TcpFlow flow = peer.Connect();
        byte[] payload = new byte[offloads ? 10_000 : 1_400];
        byte[] scratch = new byte[IpStack.HeaderRoom];
        long read = 0;
        int acknowledgments = 0;
        AssertNothingAllocated(() =>
        {
            peer.Send(TcpFlags.Ack, payload);
            while (peer.Stack.TryNextEvent(out StackEvent happened))
            {
                long length = happened.Tcp!.Received.Length;
                happened.Tcp.Consume(length, peer.Now);
                read += length;
            }

            while (peer.Stack.TryTransmit(peer.Now, scratch, out OutgoingPacket _))
            {
                acknowledgments++;
            }

            Pass(peer);
        });

        Assert.Equal((WarmUp + Counted) * (long)payload.Length, read);
        Assert.True(acknowledgments > (WarmUp + Counted) / 50, $"{acknowledgments} acknowledgments");
        flow.Abort(peer.Now);
    }

    [Theory]
    [InlineData(false, false, 0)]
    [InlineData(true, false, 0)]
    [InlineData(false, true, 0)]
    [InlineData(false, false, 100)]
    [InlineData(true, false, 100)]
    public void BulkDownAllocatesNothingNorDoesRepairingLosses(bool offloads, bool v6, int oneLostIn)
    {
        using ScriptedPeer peer = Peer(offloads, v6);
        peer.Window = ushort.MaxValue;
        TcpFlow flow = peer.Connect();
        int writable = 0;
        Receiver receiver = new(peer, v6 ? IpHeader.V6Size : IpHeader.V4Size, oneLostIn);
        AssertNothingAllocated(() =>
        {
            for (int blocks = 0; blocks < 2 && flow.GetMemory() is { IsEmpty: false } room; blocks++)
            {
                flow.Advance(room.Length, peer.Now);
            }

            receiver.Take();
            while (peer.Stack.TryNextEvent(out StackEvent happened))
            {
                writable += happened.Kind == StackEventKind.TcpWritable ? 1 : 0;
            }

            Pass(peer);
        }, offloads ? WarmUp : RoundsOfMany, offloads ? Counted : RoundsOfMany);

        Assert.True(receiver.Packets > Counted, $"{receiver.Packets} packets");
        Assert.Equal(oneLostIn > 0, peer.Stack.Counters.Retransmits > 0);
        Assert.Equal(oneLostIn > 0, writable > 0); // the send buffer fills behind a hole only
        flow.Abort(peer.Now);
    }

    [Theory]
    [InlineData(true, 64)]
    [InlineData(false, 64)]
    [InlineData(true, 1_400)]
    [InlineData(true, 4_000)]
    public void DatagramsBothWaysAllocateNothing(bool v4, int size)
    {
        using ScriptedPeer peer = new();
        byte[] payload = new byte[size];
        byte[] datagram = SamplePackets.Udp(v4, size);
        byte[] scratch = new byte[IpStack.HeaderRoom];
        int packets = 0;
        UdpFlow? udp = null;
        AssertNothingAllocated(() =>
        {
            PacketBuffer buffer = peer.Pool.Rent(datagram.Length);
            datagram.CopyTo(buffer.Array, 0);
            buffer.Length = datagram.Length;
            peer.Stack.Receive(buffer, peer.Now);
            Assert.True(peer.Stack.TryNextEvent(out StackEvent happened));
            happened.Buffer!.Release();
            udp = happened.Udp!;
            Assert.True(udp.Send(happened.Destination, payload, peer.Now));
            while (peer.Stack.TryTransmit(peer.Now, scratch, out OutgoingPacket _))
            {
                packets++;
            }

            Pass(peer);
        });

        Assert.True(packets >= WarmUp + Counted);
        udp!.Close();
    }

    private static ScriptedPeer Peer(bool offloads, bool v6) =>
        new(new StackOptions { Offloads = offloads }, timestamps: true, v6: v6) { BlockSize = offloads ? PacketPool.LargeSize : 0 };

    /// <summary>Some time goes by, and with it the timers.</summary>
    private static void Pass(ScriptedPeer peer)
    {
        peer.Now += 1_000;
        if (peer.Stack.NextDeadline <= peer.Now)
        {
            peer.Stack.Advance(peer.Now);
        }
    }

    private static void AssertNothingAllocated(Action round, int warmUp = WarmUp, int counted = Counted)
    {
        for (int i = 0; i < warmUp; i++)
        {
            round();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < counted; i++)
        {
            round();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>The application's kernel as a receiver of bulk: acknowledges every turn, and with SACK what came behind a lost segment.</summary>
    private sealed class Receiver(ScriptedPeer peer, int ipHeader, int oneLostIn)
    {
        private readonly byte[] _scratch = new byte[IpStack.HeaderRoom];
        private readonly SackBlock[] _hole = new SackBlock[1];
        private bool _missing;

        public long Packets { get; private set; }

        public void Take()
        {
            while (peer.Stack.TryTransmit(peer.Now, _scratch, out OutgoingPacket packet))
            {
                Packets++;
                Assert.True(TcpHeader.TryParse(packet.Header[ipHeader..], out TcpHeader header));
                peer.TimestampEcho = header.TimestampValue;
                uint end = header.Sequence + (uint)packet.Payload.Length;
                if (header.Sequence == peer.Expected)
                {
                    if (oneLostIn > 0 && !_missing && Packets % oneLostIn == 0)
                    {
                        (_missing, _hole[0]) = (true, new SackBlock(end, end));
                        continue;
                    }

                    // What fills the hole leads to the end of all that came behind it.
                    bool fills = _missing && end == _hole[0].Left;
                    peer.Expected = fills ? _hole[0].Right : end;
                    _missing &= !fills;
                }
                else if (_missing && header.Sequence == _hole[0].Right)
                {
                    _hole[0] = new SackBlock(_hole[0].Left, end);
                }
            }

            if (_missing && _hole[0].Left != _hole[0].Right)
            {
                peer.Send(TcpFlags.Ack, sacks: _hole);
            }
            else if (!_missing)
            {
                peer.Send(TcpFlags.Ack);
            }
        }
    }
}
