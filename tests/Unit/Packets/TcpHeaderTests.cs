using System;
using Culvert.Core.Packets;
using Xunit;

namespace Culvert.Tests.Unit.Packets;

public sealed class TcpHeaderTests
{
    [Fact]
    public void ASynOfLinuxReadsAsItIs()
    {
        byte[] segment = Convert.FromHexString("9c40005045670001000000 00a002fd20000000000204 05b40402080a00010203000000000103030a".Replace(" ", "", StringComparison.Ordinal));
        Assert.True(TcpHeader.TryParse(segment, out TcpHeader tcp));
        Assert.Equal((40000, 80, 0x45670001u, 0u), (tcp.SourcePort, tcp.DestinationPort, tcp.Sequence, tcp.Acknowledgment));
        Assert.Equal((TcpFlags.Syn, 0xfd20, 40), (tcp.Flags, tcp.Window, tcp.HeaderLength));
        Assert.Equal((1460, true, 10, true), (tcp.Mss, tcp.HasWindowScale, tcp.WindowScale, tcp.SackPermitted));
        Assert.Equal((true, 0x00010203u, 0u), (tcp.HasTimestamp, tcp.TimestampValue, tcp.TimestampEcho));
    }

    [Theory]
    [InlineData(false, false, false, 0)]
    [InlineData(true, false, false, 0)]
    [InlineData(false, true, false, 0)]
    [InlineData(true, true, true, 0)]
    [InlineData(false, false, true, 3)]
    [InlineData(false, false, false, 4)]
    [InlineData(false, false, true, 1)]
    [InlineData(false, false, false, 1)]
    public void WhatIsWrittenReadsTheSame(bool synOptions, bool sackPermitted, bool timestamp, int sacks)
    {
        SackBlocks blocks = default;
        for (int i = 0; i < sacks; i++)
        {
            blocks[i] = new SackBlock(1000u * (uint)i, 1000u * (uint)i + 500);
        }

        bool syn = synOptions || sackPermitted;
        TcpHeader written = new()
        {
            SourcePort = 1,
            DestinationPort = 65535,
            Sequence = 0xFFFFFFFE,
            Acknowledgment = 0x80000000,
            Flags = syn ? TcpFlags.Syn : TcpFlags.Ack | TcpFlags.Psh | TcpFlags.Cwr,
            Window = 54321,
            UrgentPointer = 7,
            Mss = synOptions ? (ushort)1460 : (ushort)0,
            HasWindowScale = synOptions,
            WindowScale = synOptions ? (byte)9 : (byte)0,
            SackPermitted = sackPermitted,
            HasTimestamp = timestamp,
            TimestampValue = timestamp ? 0x01020304u : 0,
            TimestampEcho = timestamp ? 0xF1F2F3F4u : 0,
            SackCount = sacks,
            Sacks = blocks,
        };

        byte[] bytes = new byte[TcpHeader.MaxSize];
        bytes.AsSpan().Fill(0xEE);
        int length = written.Write(bytes);
        Assert.Equal(0, length % 4);
        Assert.Equal(written.WrittenLength, length);
        Assert.True(TcpHeader.TryParse(bytes.AsSpan(0, length), out TcpHeader read));
        Assert.Equal(length, read.HeaderLength);
        Assert.Equal(
            (written.SourcePort, written.DestinationPort, written.Sequence, written.Acknowledgment, written.Flags, written.Window, written.UrgentPointer),
            (read.SourcePort, read.DestinationPort, read.Sequence, read.Acknowledgment, read.Flags, read.Window, read.UrgentPointer));
        Assert.Equal(
            (written.Mss, written.HasWindowScale, written.WindowScale, written.SackPermitted, written.HasTimestamp, written.TimestampValue, written.TimestampEcho),
            (read.Mss, read.HasWindowScale, read.WindowScale, read.SackPermitted, read.HasTimestamp, read.TimestampValue, read.TimestampEcho));
        Assert.Equal(sacks, read.SackCount);
        for (int i = 0; i < sacks; i++)
        {
            Assert.Equal(blocks[i], read.Sacks[i]);
        }
    }

    [Fact]
    public void OfFourSackBlocksThreeFitBesideTimestamps()
    {
        TcpHeader header = new() { Flags = TcpFlags.Ack, HasTimestamp = true, SackCount = 4 };
        byte[] bytes = new byte[TcpHeader.MaxSize];
        Assert.Equal(TcpHeader.MaxSize, header.Write(bytes));
        Assert.True(TcpHeader.TryParse(bytes, out TcpHeader read));
        Assert.Equal(3, read.SackCount);
    }

    [Fact]
    public void EveryTruncationIsRefused()
    {
        byte[] bytes = new byte[TcpHeader.MaxSize];
        int length = new TcpHeader { Flags = TcpFlags.Syn, Mss = 1460, HasTimestamp = true, HasWindowScale = true, SackPermitted = true }.Write(bytes);
        for (int shorter = 0; shorter < length; shorter++)
        {
            Assert.False(TcpHeader.TryParse(bytes.AsSpan(0, shorter), out _), $"{shorter} bytes");
        }
    }

    [Theory]
    [InlineData(0x00)]
    [InlineData(0x40)]
    public void ADataOffsetBelowFiveIsRefused(byte offset)
    {
        byte[] bytes = new byte[40];
        bytes[12] = offset;
        Assert.False(TcpHeader.TryParse(bytes, out _));
    }

    [Theory]
    [InlineData("0204 05b4 0800")] // a length of zero
    [InlineData("0204 05b4 0801")] // a length of one
    [InlineData("0204 05b4 0814")] // longer than the header
    [InlineData("0204 05b4 01 08")] // no length at all
    public void BehindAMalformedOptionNothingIsReadButTheSegmentStands(string options)
    {
        byte[] extra = Convert.FromHexString(options.Replace(" ", "", StringComparison.Ordinal));
        byte[] bytes = [.. new byte[20], .. extra, .. new byte[(4 - extra.Length % 4) % 4]];
        if (extra.Length == 6 && extra[4] == 1)
        {
            bytes = [.. new byte[20], 1, 1, .. extra]; // the kind's byte is the header's last
        }

        bytes[12] = (byte)(bytes.Length << 2);
        bytes[13] = (byte)TcpFlags.Syn;
        Assert.True(TcpHeader.TryParse(bytes, out TcpHeader tcp));
        Assert.Equal(1460, tcp.Mss);
        Assert.False(tcp.HasTimestamp);
    }

    [Fact]
    public void UnknownOptionsAreSteppedOverAndThoseOfAWrongLengthIgnored()
    {
        byte[] bytes = [.. new byte[20], 254, 4, 1, 2, 2, 3, 9, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0];
        bytes[12] = (byte)(bytes.Length << 2);
        bytes[13] = (byte)TcpFlags.Syn;
        Assert.True(TcpHeader.TryParse(bytes, out TcpHeader tcp));
        Assert.Equal((0, true, 1u, 2u), (tcp.Mss, tcp.HasTimestamp, tcp.TimestampValue, tcp.TimestampEcho));
    }

    [Fact]
    public void OptionsOfASynCountInASynOnly()
    {
        byte[] bytes = new byte[TcpHeader.MaxSize];
        int length = new TcpHeader { Flags = TcpFlags.Ack, Mss = 1460, HasWindowScale = true, WindowScale = 7, SackPermitted = true }.Write(bytes);
        Assert.True(TcpHeader.TryParse(bytes.AsSpan(0, length), out TcpHeader tcp));
        Assert.Equal((0, false, 0, false), (tcp.Mss, tcp.HasWindowScale, tcp.WindowScale, tcp.SackPermitted));
    }

    [Fact]
    public void AWindowScaleAboveFourteenIsTakenAsFourteen()
    {
        byte[] bytes = new byte[TcpHeader.MaxSize];
        int length = new TcpHeader { Flags = TcpFlags.Syn, HasWindowScale = true, WindowScale = 200 }.Write(bytes);
        Assert.True(TcpHeader.TryParse(bytes.AsSpan(0, length), out TcpHeader tcp));
        Assert.Equal(14, tcp.WindowScale);
    }
}
