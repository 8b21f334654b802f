using System;
using System.Buffers.Binary;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Threading;
using Culvert.Core.Packets;
using Culvert.Platform.Links;
using Culvert.Platform.Linux;
using Culvert.Tests.Lab;
using Xunit;

namespace Culvert.Tests.EndToEnd.Platform;

/// <summary>The link against the kernel, with this process as the engine; with offloads and without.</summary>
[Collection(PlatformCollection.Name)]
public sealed class TunLinkTests : IDisposable
{
    private readonly PacketPool _pool = new();
    private readonly PacketBuffer _buffer;

    public TunLinkTests() => _buffer = _pool.Rent(PacketPool.LargeSize);

    public void Dispose()
    {
        _buffer.Release();
        Assert.Equal(0, _pool.Outstanding);
    }

    [LabTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void DatagramLeavesAsAPacket(bool offloads)
    {
        using ConfinedCommand command = Start("echo -n hello > /dev/udp/192.0.2.1/9", offloads);
        Assert.Equal(offloads, command.Link.Offloads);
        command.Go();
        Assert.True(Read(command.Link, packet => packet[0] == 0x45 && packet[9] == 17));
        Span<byte> packet = _buffer.Span;
        Assert.Equal(new IPAddress([198, 18, 0, 2]), new IPAddress(packet[12..16]));
        Assert.Equal(new IPAddress([192, 0, 2, 1]), new IPAddress(packet[16..20]));
        Assert.Equal(9, BinaryPrimitives.ReadUInt16BigEndian(packet[22..]));
        Assert.Equal("hello"u8.ToArray(), packet[28..].ToArray());
        Assert.Equal(new PacketOffload(offloads ? ChecksumState.Partial : ChecksumState.Complete, 0), _buffer.Offload);
        Assert.Equal(0, command.Wait());
    }

    [LabTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void LargestPacketFits(bool offloads)
    {
        using ConfinedCommand command = Start("head -c 9000 /dev/zero | { dd bs=9000 count=1 iflag=fullblock 2>/dev/null; } > /dev/udp/192.0.2.1/9", offloads, mtu: 65535);
        command.Go();
        Assert.True(Read(command.Link, packet => packet[0] == 0x45 && packet[9] == 17));
        Assert.Equal(9028, _buffer.Length);
        Assert.Equal(0, command.Wait());
    }

    [LabFact]
    public void StreamLeavesInSuperSegmentsThatSayWhereToCut()
    {
        // A listener inside, and a connection to it from "outside": the answer's segments come to us as one.
        string file = Path.GetTempFileName();
        try
        {
            using ConfinedCommand command = Start($"/usr/bin/python3 -c \"import socket; s=socket.create_server(('198.18.0.2',80)); open('{file}','w').write('up'); c,_=s.accept(); c.sendall(bytes(8000)); c.recv(1)\" 2>/dev/null", true);
            command.Go();
            Until.True(() => File.ReadAllText(file) == "up", "the listener");
            byte[] syn = Tcp(sequence: 1000, acknowledgement: 0, flags: 0x02, [2, 4, 0x03, 0xE8]); // MSS 1000
            Assert.True(command.Link.TryWrite(new OutgoingPacket(syn, default, default)));
            Assert.True(Read(command.Link, packet => packet[9] == 6 && packet[33] == 0x12));
            uint theirs = BinaryPrimitives.ReadUInt32BigEndian(_buffer.Span[24..]);

            // Headers and payload apart, the checksum left to the kernel.
            byte[] acknowledgement = Tcp(1001, theirs + 1, 0x10, [], partial: true);
            Assert.True(command.Link.TryWrite(new OutgoingPacket(acknowledgement, default, new PacketOffload(ChecksumState.Partial, 0))));
            Assert.True(Read(command.Link, packet => packet[9] == 6 && packet.Length > 1040));
            Assert.Equal(new PacketOffload(ChecksumState.Partial, 1000), _buffer.Offload);
            Assert.Equal(0, (_buffer.Length - 40) % 1000);
            Assert.True(command.Link.TryWrite(new OutgoingPacket(Tcp(1001, theirs + 1, 0x04, []), default, default)));
            command.Wait();
        }
        finally
        {
            File.Delete(file);
        }
    }

    [LabTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void PacketTheKernelRefusesIsDroppedAndCounted(bool offloads)
    {
        using ConfinedCommand command = Start("true", offloads);
        TunLink link = (TunLink)command.Link;
        Assert.True(link.TryWrite(new OutgoingPacket([0xFF, 1, 2, 3], [4, 5], default)));
        Assert.Equal(1, link.Rejected);
    }

    [LabFact]
    public void LinkSetDownInsideLosesPacketsAndNoMore()
    {
        using ConfinedCommand command = Start("ip link set culvert0 down", true);
        command.Go();
        Assert.Equal(0, command.Wait());
        TunLink link = (TunLink)command.Link;
        Assert.True(link.TryWrite(new OutgoingPacket(Tcp(1, 1, 0x10, []), default, default)));
        Assert.Equal(1, link.Rejected);
    }

    [LabFact]
    public void WakeEndsTheCurrentOrTheNextWait()
    {
        using ConfinedCommand command = Start("true", false);
        ILink link = command.Link;
        link.Wake();
        link.Wake();
        link.Wait(-1); // one wait for both
        long start = Stopwatch.GetTimestamp();
        link.Wait(20_000);
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 19, 10_000);
        Thread waker = new(link.Wake);
        waker.Start();
        link.Wait(-1);
        waker.Join();
    }

    [LabFact]
    public void LateWakeOfAClosedLinkDoesNothing()
    {
        ConfinedCommand command = Start("true", false);
        command.Dispose();
        command.Link.Wake();
    }

    [LabFact]
    public void ClosedLinkIsGoneForTheCommand()
    {
        using ConfinedCommand command = Start("while ip -o link show culvert0 2>/dev/null | grep -q culvert0; do :; done; exit 9", true);
        command.Go();
        command.Link.Dispose();
        Assert.Equal(9, command.Wait());
    }

    [LabFact]
    public void BufferTooSmallForThePacketsOfTheLinkIsRefused()
    {
        PacketBuffer small = _pool.Rent(PacketPool.SmallSize);
        using ConfinedCommand command = Start("true", true);
        Assert.Throws<ArgumentException>(() => command.Link.TryRead(small));
        small.Release();
    }

    [LabTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void PacketsCostNoAllocation(bool offloads)
    {
        using ConfinedCommand command = Start("true", offloads);
        ILink link = command.Link;
        byte[] packet = Tcp(1, 1, 0x10, []);
        void Traffic()
        {
            link.TryWrite(new OutgoingPacket(packet, default, default)); // answered by a reset, which is what we read
            link.Wait(0);
            link.TryRead(_buffer);
            link.Wake();
            link.Wait(0);
        }

        foreach (int _ in Enumerable.Range(0, 50))
        {
            Traffic();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            Traffic();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [LabFact]
    public void CommandNeverToldToGoNeverRuns()
    {
        string file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        ConfinedCommand command = Start($"touch {file}", false);
        command.Dispose();
        Assert.True(command.ExitCode.IsCompleted);
        Assert.False(File.Exists(file));
    }

    private static ConfinedCommand Start(string line, bool offloads, int mtu = 1500) =>
        ConfinedCommand.Start(new ConfinedCommandOptions { Command = "bash", Arguments = ["-c", line], Offloads = offloads, Mtu = mtu, Queues = 1 });

    /// <summary>Reads until a packet is the wanted one; false after a time that is long for the kernel.</summary>
    private bool Read(ILink link, Func<byte[], bool> wanted)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20))
        {
            while (link.TryRead(_buffer))
            {
                if (_buffer.Length >= 28 && wanted(_buffer.Span.ToArray()))
                {
                    return true;
                }
            }

            link.Wait(100_000);
        }

        return false;
    }

    /// <summary>A TCP segment from 192.0.2.1:5000 to 198.18.0.2:80, written out by hand so that it does not lean on the code beside it.</summary>
    private static byte[] Tcp(uint sequence, uint acknowledgement, byte flags, byte[] options, bool partial = false)
    {
        byte[] packet = [0x45, 0, 0, (byte)(40 + options.Length), 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198, 18, 0, 2, .. new byte[20], .. options];
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), (ushort)~Sum(packet.AsSpan(0, 20), 0));
        Span<byte> tcp = packet.AsSpan(20);
        BinaryPrimitives.WriteUInt16BigEndian(tcp, 5000);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[2..], 80);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], sequence);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[8..], acknowledgement);
        tcp[12] = (byte)(tcp.Length / 4 << 4);
        tcp[13] = flags;
        BinaryPrimitives.WriteUInt16BigEndian(tcp[14..], 65535);
        ushort pseudo = Sum(packet.AsSpan(12, 8), 6u + (uint)tcp.Length);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[16..], partial ? pseudo : (ushort)~Sum(tcp, pseudo));
        return packet;
    }

    private static ushort Sum(ReadOnlySpan<byte> bytes, uint sum)
    {
        for (int i = 0; i < bytes.Length; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        }

        while (sum > 0xFFFF)
        {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        return (ushort)sum;
    }
}
