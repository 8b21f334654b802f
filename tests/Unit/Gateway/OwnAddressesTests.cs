using System.Collections.Generic;
using System.Net;
using Culvert.Core.Packets;
using Culvert.Gateway;
using Xunit;

namespace Culvert.Tests.Unit.Gateway;

public sealed class OwnAddressesTests
{
    [Fact]
    public void ThoseOfTheInterfacesAreKnown()
    {
        using OwnAddresses own = new();
        Assert.True(own.Contains(IpAddr.From(IPAddress.Loopback)));
        Assert.False(own.Contains(IpAddr.From(IPAddress.Parse("192.0.2.1"))));
    }

    [Fact]
    public void TheyAreReadAgain()
    {
        IpAddr one = IpAddr.From(IPAddress.Parse("198.41.0.4"));
        List<IpAddr> read = [one];
        using OwnAddresses own = new(() => read);
        Assert.True(own.Contains(one));
        read.Clear();
        own.Refresh();
        Assert.False(own.Contains(one));
    }
}
