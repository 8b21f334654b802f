using System;
using System.Linq;
using System.Text;
using Culvert.Core.Dns;
using Xunit;

namespace Culvert.Tests.Unit.Dns;

public class DnsNameTests
{
    [Fact]
    public void NamesComeOutInLowerCaseWithoutTheDotAtTheEnd()
    {
        byte[] wire = Wire.Name("WWW.Example.COM");
        int at = 0;
        Assert.True(DnsName.TryRead(wire, ref at, out string name));
        Assert.Equal("www.example.com", name);
        Assert.Equal(wire.Length, at);
    }

    [Fact]
    public void TheRootIsTheEmptyText()
    {
        int at = 0;
        Assert.True(DnsName.TryRead([0], ref at, out string name));
        Assert.Equal("", name);
        Assert.Equal(1, at);
    }

    [Fact]
    public void OddBytesAreEscapedAndComeBackTheSame()
    {
        byte[] wire = [6, (byte)'a', (byte)'.', (byte)'\\', 0, 255, (byte)' ', 1, (byte)'b', 0];
        int at = 0;
        Assert.True(DnsName.TryRead(wire, ref at, out string name));
        Assert.Equal("a\\.\\\\\\000\\255\\032.b", name);
        byte[] back = new byte[DnsName.MaxWire];
        Assert.True(DnsName.TryWrite(name, back, out int written));
        Assert.Equal(wire, back[..written]);
    }

    [Fact]
    public void EveryByteSurvivesTheWayToTextAndBack()
    {
        for (int value = 0; value < 256; value++)
        {
            byte[] wire = [1, char.IsAsciiLetterUpper((char)value) ? (byte)'x' : (byte)value, 0];
            int at = 0;
            Assert.True(DnsName.TryRead(wire, ref at, out string name));
            byte[] back = new byte[3];
            Assert.True(DnsName.TryWrite(name, back, out int written), name);
            Assert.Equal(wire, back[..written]);
        }
    }

    [Fact]
    public void CompressionLeadsToAnEarlierName()
    {
        byte[] message = [.. new byte[12], .. Wire.Name("example.com"), 3, (byte)'w', (byte)'w', (byte)'w', 0xC0, 12, 99];
        int at = 25;
        Assert.True(DnsName.TryRead(message, ref at, out string name));
        Assert.Equal("www.example.com", name);
        Assert.Equal(message.Length - 1, at);
    }

    [Theory]
    [InlineData(12)] // itself
    [InlineData(14)] // later
    [InlineData(0)] // the header
    public void CompressionThatDoesNotLeadBackIsRefused(int target)
    {
        byte[] message = [.. new byte[12], 0xC0, (byte)target, 1, (byte)'a', 0];
        int at = 12;
        Assert.False(DnsName.TryRead(message, ref at, out _));
    }

    [Fact]
    public void PointersInACircleAreRefused()
    {
        byte[] message = [.. new byte[12], 1, (byte)'a', 0xC0, 16, 1, (byte)'b', 0xC0, 12];
        foreach (int start in new[] { 12, 16 })
        {
            int at = start;
            Assert.False(DnsName.TryRead(message, ref at, out _));
        }
    }

    [Fact]
    public void ANameOf255BytesIsReadAndOneMoreIsNot()
    {
        string label63 = new('a', 63);
        byte[] longest = Wire.Name($"{label63}.{label63}.{label63}.{new string('b', 61)}");
        Assert.Equal(255, longest.Length);
        int at = 0;
        Assert.True(DnsName.TryRead(longest, ref at, out string name));
        byte[] back = new byte[255];
        Assert.True(DnsName.TryWrite(name, back, out int written));
        Assert.Equal(255, written);

        at = 0;
        Assert.False(DnsName.TryRead(Wire.Name($"{label63}.{label63}.{label63}.{new string('b', 62)}"), ref at, out _));
        Assert.False(DnsName.TryWrite(name + "b", back, out _));
    }

    [Fact]
    public void TheLongestNameOfEscapesFits()
    {
        byte[] wire = [.. Enumerable.Repeat(Enumerable.Repeat((byte)7, 63).Prepend((byte)63), 3).SelectMany(x => x), 61, .. Enumerable.Repeat((byte)7, 61), 0];
        int at = 0;
        Assert.True(DnsName.TryRead(wire, ref at, out string name));
        Assert.Equal((250 * 4) + 3, name.Length);
    }

    [Fact]
    public void CompressionCannotMakeANameTooLong()
    {
        string label63 = new('a', 63);
        byte[] tail = Wire.Name($"{label63}.{label63}.{label63}");
        byte[] message = [.. new byte[12], .. tail, 63, .. Encoding.ASCII.GetBytes(label63), 0xC0, 12];
        int at = 12 + tail.Length;
        Assert.False(DnsName.TryRead(message, ref at, out _));
    }

    [Fact]
    public void EveryTruncationIsRefused()
    {
        byte[] wire = Wire.Name("www.example.com");
        for (int length = 0; length < wire.Length; length++)
        {
            int at = 0;
            Assert.False(DnsName.TryRead(wire.AsSpan(0, length), ref at, out _));
            at = 0;
            Assert.False(DnsName.TrySkip(wire.AsSpan(0, length), ref at));
        }
    }

    [Theory]
    [InlineData(0x40)]
    [InlineData(0x80)]
    public void ReservedLabelTypesAreRefused(byte type)
    {
        int at = 0;
        byte[] wire = [type, .. new byte[200]];
        Assert.False(DnsName.TryRead(wire, ref at, out _));
        at = 0;
        Assert.False(DnsName.TrySkip(wire, ref at));
    }

    [Theory]
    [InlineData(".")]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("a..")]
    [InlineData("\\")]
    [InlineData("\\25")]
    [InlineData("\\256")]
    [InlineData("ü")]
    public void TextThatIsNoNameIsNotWritten(string text) => Assert.False(DnsName.TryWrite(text, new byte[255], out _));

    [Fact]
    public void ADotAtTheEndChangesNothing()
    {
        byte[] wire = new byte[255];
        Assert.True(DnsName.TryWrite("example.com.", wire, out int written));
        Assert.Equal(Wire.Name("example.com"), wire[..written]);
    }

    [Fact]
    public void NoRoomIsAnAnswerAndNotAnError()
    {
        for (int room = 0; room < 13; room++)
        {
            Assert.False(DnsName.TryWrite("example.com", new byte[room], out _));
        }

        Assert.True(DnsName.TryWrite("example.com", new byte[13], out _));
    }
}
