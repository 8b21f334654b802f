using System;
using System.Net;
using System.Text;
using Culvert.Core.Proxy;
using Xunit;

namespace Culvert.Tests.Unit.Proxy;

public sealed class SocksCodecTests
{
    public static TheoryData<SocksAddress> Addresses => new(
        new SocksAddress(null, IPAddress.Parse("192.0.2.1"), 80),
        new SocksAddress(null, IPAddress.Parse("2001:db8::1"), 65535),
        new SocksAddress("x", null, 0),
        new SocksAddress("bücher.example", null, 443),
        new SocksAddress(new string('n', 255), null, 1));

    [Theory]
    [MemberData(nameof(Addresses))]
    public void WhatIsWrittenIsReadAndEveryPartOfItWantsMore(SocksAddress address)
    {
        byte[] buffer = new byte[Socks5.MaxMessage];
        Assert.True(Socks5.TryWriteRequest(buffer, SocksCommand.Connect, address, out int length));
        for (int part = 0; part < length; part++)
        {
            Assert.Equal(ParseStatus.NeedMore, Socks5.TryParseRequest(buffer.AsSpan(0, part), out _, out _, out int none));
            Assert.Equal(0, none);
        }

        Assert.Equal(ParseStatus.Done, Socks5.TryParseRequest(buffer, out SocksCommand command, out SocksAddress read, out int consumed));
        Assert.Equal((SocksCommand.Connect, address, length), (command, read, consumed));
    }

    [Theory]
    [MemberData(nameof(Addresses))]
    public void DatagramHeadersAreReadAsTheyWereWritten(SocksAddress address)
    {
        byte[] buffer = new byte[SocksDatagram.MaxHeader];
        Assert.True(SocksDatagram.TryWriteUdp(buffer, address, out int length));
        Assert.True(SocksDatagram.TryParseUdp(buffer.AsSpan(0, length), out SocksAddress read, out int header));
        Assert.Equal((address, length), (read, header));
        for (int part = 0; part < length; part++)
        {
            Assert.False(SocksDatagram.TryParseUdp(buffer.AsSpan(0, part), out _, out _));
        }

        buffer[2] = 1;
        Assert.False(SocksDatagram.TryParseUdp(buffer.AsSpan(0, length), out _, out _));

        bool fits = SocksDatagram.TryWriteTcp(buffer, address, 0xABCD, out length);
        Assert.Equal(address.Name is not { Length: > 248 }, fits);
        for (int part = 0; part < length; part++)
        {
            Assert.Equal(ParseStatus.NeedMore, SocksDatagram.TryParseTcp(buffer.AsSpan(0, part), out _, out _, out _));
        }

        if (fits)
        {
            Assert.Equal(ParseStatus.Done, SocksDatagram.TryParseTcp(buffer, out read, out header, out int payload));
            Assert.Equal((address, length, 0xABCD), (read, header, payload));
            buffer[2]--; // a header shorter than its address
            Assert.Equal(ParseStatus.Malformed, SocksDatagram.TryParseTcp(buffer, out _, out _, out _));
        }
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("n", true)]
    public void NamesThatDoNotFitAreNotWritten(string name, bool fits)
    {
        byte[] buffer = new byte[Socks5.MaxMessage];
        Assert.Equal(fits, Socks5.TryWriteRequest(buffer, SocksCommand.Connect, new SocksAddress(name, null, 1), out _));
        Assert.False(Socks5.TryWriteRequest(buffer, SocksCommand.Connect, new SocksAddress(new string('ü', 128), null, 1), out _));
    }

    [Theory]
    [InlineData("05010002")]
    [InlineData("05010005")]
    [InlineData("0501000300")]
    [InlineData("050100030161")]
    [InlineData("05010003 01 20 0050")]
    [InlineData("05010003 02 610A 0050")]
    [InlineData("05010003 01 2E 0050")]
    [InlineData("05010003 02 C328 0050")]
    [InlineData("04010001")]
    public void MalformedRequestsAreMalformedAndWholeOnesOnly(string hex)
    {
        byte[] data = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        ParseStatus expected = hex == "050100030161" ? ParseStatus.NeedMore : ParseStatus.Malformed;
        Assert.Equal(expected, Socks5.TryParseRequest(data, out _, out _, out _));
    }

    [Fact]
    public void PasswordsAreReadAsTheyWereWritten()
    {
        byte[] buffer = new byte[Socks5.MaxMessage];
        foreach ((string user, string password) in ((string, string)[])[("u", ""), ("üser", "pä:ss"), (new string('u', 255), new string('p', 255))])
        {
            int length = Socks5.WritePassword(buffer, user, password);
            for (int part = 0; part < length; part++)
            {
                Assert.Equal(ParseStatus.NeedMore, Socks5.TryParsePassword(buffer.AsSpan(0, part), out _, out _, out _));
            }

            Assert.Equal(ParseStatus.Done, Socks5.TryParsePassword(buffer, out ReadOnlySpan<byte> u, out ReadOnlySpan<byte> p, out int consumed));
            Assert.Equal((user, password, length), (Encoding.UTF8.GetString(u), Encoding.UTF8.GetString(p), consumed));
        }
    }

    [Theory]
    [InlineData("192.0.2.1")]
    [InlineData("2001:db8::1")]
    public void ReadingWhomADatagramIsFromAllocatesNothing(string text)
    {
        byte[] packet = new byte[SocksDatagram.MaxHeader];
        Assert.True(SocksDatagram.TryWriteUdp(packet, new SocksAddress(null, IPAddress.Parse(text), 53), out _));
        UInt128 bits = 0;
        long before = 0;
        for (int i = 0; i < 2_000; i++)
        {
            before = i == 1_000 ? GC.GetAllocatedBytesForCurrentThread() : before;
            Assert.True(SocksDatagram.TryParseUdp(packet, out SocksAddress address, out _));
            bits |= address.Bits;
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.NotEqual(UInt128.Zero, bits);
    }
}
