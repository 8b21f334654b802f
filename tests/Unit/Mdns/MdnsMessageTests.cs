using System;
using System.Linq;
using System.Net;
using Culvert.Core.Dns;
using Culvert.Core.Mdns;
using Xunit;

namespace Culvert.Tests.Unit.Mdns;

public sealed class MdnsMessageTests
{
    // As Avahi 0.8 writes an answer: names compressed, cache-flush bits set.
    private static readonly byte[] Compressed = Convert.FromHexString(
        "000084000000000100000003"
        + "085f63756c76657274045f746370056c6f63616c00" + "000c0001" + "00001194" + "000c" + "09416e6e612773205043c00c" // PTR to Anna's PC
        + "c02b" + "00108001" + "00001194" + "0004" + "03763d31" // TXT v=1
        + "c02b" + "00218001" + "00000078" + "000d" + "00000000" + "1d13" + "04686f7374c01a" // SRV host.local:7443
        + "c059" + "00018001" + "00000078" + "0004" + "c0000207");

    [Fact]
    public void CompressedNamesAreWrittenOutAndKeepTheirCase()
    {
        Assert.True(MdnsMessage.TryParse(Compressed, out MdnsMessage message));
        Assert.True(message.IsResponse);
        MdnsRecord pointer = Assert.Single(message.Answers);
        Assert.Equal(("_culvert._tcp.local", DnsType.Ptr, false, 4500u), (pointer.Name, pointer.Type, pointer.IsUnique, pointer.Ttl));
        Assert.True(ServiceName.TryReadLabel(pointer.TargetWire, out string label));
        Assert.Equal("Anna's PC", label);
        Assert.Equal("anna's\\032pc._culvert._tcp.local", pointer.Target);
        MdnsRecord place = message.Additionals[1];
        Assert.Equal((pointer.Target, DnsType.Srv, true, "host.local"), (place.Name, place.Type, place.IsUnique, place.Target));
        Assert.Equal("host.local", message.Additionals[2].Name);
        Assert.Equal("192.0.2.7", new IPAddress(message.Additionals[2].Data.Span).ToString());
    }

    [Fact]
    public void WhatIsWrittenIsRead()
    {
        MdnsMessage message = new()
        {
            Questions = [new MdnsQuestion(ServiceName.Gateways, DnsType.Ptr, WantsUnicast: true), new MdnsQuestion("a.local", DnsType.Any, WantsUnicast: false)],
            Answers = [MdnsRecord.Pointer(ServiceName.Gateways, ServiceName.Of("Küche. 2\\", ServiceName.Gateways), 7)],
            Authorities = [MdnsRecord.Service("x.local", "host.local", 7443, 120), MdnsRecord.Text("x.local", 4500, "v=1", "")],
            Additionals = [MdnsRecord.Address("host.local", IPAddress.Parse("fe80::1"), 120)],
            IsTruncated = true,
        };
        Assert.True(MdnsMessage.TryParse(message.Write(), out MdnsMessage read));
        Assert.True(read.IsTruncated && !read.IsResponse);
        Assert.Equal(message.Questions, read.Questions);
        Assert.True(ServiceName.TryReadLabel(read.Answers[0].TargetWire, out string label));
        Assert.Equal("Küche. 2\\", label);
        Assert.True(read.Authorities[0].Says(message.Authorities[0]) && read.Authorities[1].Says(message.Authorities[1]));
        Assert.Equal((byte[])[3, (byte)'v', (byte)'=', (byte)'1', 0], read.Authorities[1].Data.ToArray());
        Assert.Equal(16, read.Additionals[0].Data.Length);
    }

    [Fact]
    public void WhatIsCutAnywhereIsRefusedOrRead()
    {
        for (int length = 0; length < Compressed.Length; length++)
        {
            Assert.False(MdnsMessage.TryParse(Compressed.AsSpan(0, length), out _));
        }
    }

    [Theory]
    [InlineData(0, "02")] // a query for status
    [InlineData(2, "8c")] // another opcode
    [InlineData(3, "03")] // an error
    public void WhatIsNoneOfOursIsPassedOver(int at, string value)
    {
        byte[] bytes = [.. Compressed];
        Convert.FromHexString(value).CopyTo(bytes, at);
        Assert.Equal(at == 0, MdnsMessage.TryParse(bytes, out _)); // identifiers mean nothing here
    }

    [Fact]
    public void RecordsOfAWrongFormAreLeftOut()
    {
        byte[] bytes = [.. Compressed];
        int srv = Compressed.AsSpan().IndexOf(Convert.FromHexString("0021800100000078000d")) + 9;
        bytes[srv] = 6; // the data ends before the host's name: and so all behind it is shifted
        Assert.False(MdnsMessage.TryParse(bytes, out MdnsMessage message) && message.Additionals.Any(static r => r.Type == DnsType.Srv));
        MdnsMessage wrong = new() { IsResponse = true, Answers = [new MdnsRecord("a.local", DnsType.A, true, 1, new byte[5]), new MdnsRecord("b.local", DnsType.Ptr, true, 1, new byte[] { 9 })] };
        Assert.True(MdnsMessage.TryParse(wrong.Write(), out MdnsMessage read));
        Assert.Empty(read.Answers);
    }

    [Fact]
    public void ATimeWithItsTopBitIsNone()
    {
        MdnsMessage message = new() { IsResponse = true, Answers = [MdnsRecord.Pointer("a.local", "b.local", 0x8000_0001)] };
        Assert.True(MdnsMessage.TryParse(message.Write(), out MdnsMessage read));
        Assert.Equal(0u, read.Answers[0].Ttl);
    }

    [Fact]
    public void NamesAreCutWhereACharacterEnds()
    {
        string label = new string('x', 57) + "😀😀";
        Assert.Throws<ArgumentException>(() => ServiceName.Of(label, ServiceName.Gateways));
        Assert.Equal(new string('x', 57) + " (2)", ServiceName.Next(label, 2));
        Assert.Equal("gateway (11)", ServiceName.Next("gateway", 11));
        Assert.False(ServiceName.TryReadLabel([2, 0xC3, 0x28, 0], out _));
        Assert.False(ServiceName.TryReadLabel([1, 7, 0], out _));
        Assert.False(ServiceName.TryReadLabel([0], out _));
    }
}
