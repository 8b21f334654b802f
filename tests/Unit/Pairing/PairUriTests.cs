using System;
using System.Linq;
using Culvert.Core.Session;
using Xunit;

namespace Culvert.Tests.Unit.Pairing;

public sealed class PairUriTests
{
    private const string Example =
        "culvert://pair?key=MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM&secret=RERERERERERERERERERERA&until=1795204800&name=K%C3%BCche%20%28oben%29&at=192.0.2.7:7443&at=[2001:db8::7]:7443";

    [Fact]
    public void ItIsReadAsItIsWritten()
    {
        PairUri uri = Make();
        Assert.Equal(Example, uri.ToString());
        Assert.True(PairUri.TryParse(Example, out PairUri read, out _));
        Assert.Equal(uri, read);
        Assert.True(PairUri.TryParse(Example.Replace("culvert:", "CULVERT:", StringComparison.Ordinal) + "&colour=blue&v=1", out read, out _)); // what a later version may say
        Assert.Equal(uri, read);
    }

    [Theory]
    [InlineData("culvert://pair", "does not begin with")]
    [InlineData("culvert://pair?", "key or its secret is missing")]
    [InlineData("https://pair?key=x", "does not begin with")]
    public void WhatIsNoneIsRefused(string text, string why) => Refused(text, why);

    [Theory]
    [InlineData("key=M", "key=%4D", null)]
    [InlineData("key=M", "key=", "key or its secret is missing or cut short")]
    [InlineData("MzM&", "MzN&", null)] // one bit that says nothing: refused or the same, never another key
    [InlineData("secret=RE", "secret=R", "key or its secret is missing or cut short")]
    [InlineData("&secret=", "&key=", "says 'key' twice")]
    [InlineData("name=K%C3", "name=K%C", "is not written as a URI is")]
    [InlineData("name=K", "name=%1B%5BK", "name is missing, or none")]
    [InlineData("name=K", "name=%E2%80%AEK", "name is missing, or none")]
    [InlineData("&name=", "&game=", "name is missing, or none")]
    [InlineData("until=1795204800", "until=soon", "until when it is good")]
    [InlineData("until=1795204800", "until=-1", "until when it is good")]
    [InlineData("until=1795204800", "until=9999999999999", "until when it is good")]
    [InlineData("&at=192.0.2.7:7443", "&at=192.0.2.7", "'192.0.2.7' is no address with a port")]
    [InlineData("&at=192.0.2.7:7443", "&at=192.0.2.7:0", "is no address with a port")]
    [InlineData("&at=192.0.2.7:7443", "&at=192.0.2.7:65536", "is no address with a port")]
    [InlineData("&at=192.0.2.7:7443", "&at=[192.0.2.7]:7443", "is no address with a port")]
    [InlineData("&at=192.0.2.7:7443", "&at=[fe80::1%25eth0]:7443", "is no address with a port")]
    [InlineData("&at=192.0.2.7:7443", "&at=2001:db8::7:7443", "is no address with a port")]
    [InlineData("&at=192.0.2.7:7443", "&at=-x:7443", "is no address with a port")]
    [InlineData("&at=192.0.2.7:7443", "&at=gateway.example:7443", null)]
    [InlineData("&at=192.0.2.7:7443", "&v=2", "is of version '2'")]
    public void EachPartIsChecked(string part, string other, string? why)
    {
        string text = Example.Replace(part, other, StringComparison.Ordinal);
        Assert.NotEqual(Example, text);
        if (why is not null)
        {
            Refused(text, why);
        }
        else if (PairUri.TryParse(text, out PairUri uri, out _))
        {
            Assert.Equal(Make().Key, uri.Key);
        }
    }

    [Fact]
    public void WhatWasCutShortIsRefused()
    {
        string least = Example[..Example.IndexOf("443&", StringComparison.Ordinal)]; // a port that lost its end is one
        for (int length = 0; length < least.Length; length++)
        {
            Assert.False(PairUri.TryParse(least[..length], out _, out _));
        }

        Assert.True(PairUri.TryParse(least, out _, out _));
    }

    [Fact]
    public void ItNamesSoManyAddresses()
    {
        Refused(Example.Split("&at=")[0], "names no address");
        Refused(Example + string.Concat(Enumerable.Repeat("&at=192.0.2.7:1", 7)), "more than 8 addresses");
        Refused(Example + new string('&', PairUri.MaxLength), "longer than 2048");
    }

    private static PairUri Make() => new()
    {
        Key = new Bytes32(Enumerable.Repeat((byte)0x33, 32).ToArray()),
        Secret = Enumerable.Repeat((byte)0x44, 16).ToArray(),
        Until = 1_795_204_800,
        Name = "Küche (oben)",
        Addresses = ["192.0.2.7:7443", "[2001:db8::7]:7443"],
    };

    private static void Refused(string text, string why)
    {
        Assert.False(PairUri.TryParse(text, out _, out string problem));
        Assert.Contains(why, problem, StringComparison.Ordinal);
    }
}
