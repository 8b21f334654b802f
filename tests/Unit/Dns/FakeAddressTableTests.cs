using System;
using System.Collections.Generic;
using System.Net;
using Culvert.Core.Dns;
using Xunit;

namespace Culvert.Tests.Unit.Dns;

public class FakeAddressTableTests
{
    private const long Second = 1_000_000;

    [Fact]
    public void ANameKeepsItsAddressesAndIsFoundByBoth()
    {
        var table = new FakeAddressTable(new FakeAddressOptions());
        FakeAddresses first = Give(table, "a.example", 0);
        FakeAddresses second = Give(table, "b.example", 0);
        Assert.Equal(first, Give(table, "a.example", 5 * Second));
        Assert.NotEqual(first, second);
        Assert.True(table.TryFind(first.V4, 0, out string? name));
        Assert.Equal("a.example", name);
        Assert.True(table.TryFind(second.V6, 0, out name));
        Assert.Equal("b.example", name);
    }

    [Fact]
    public void TheTunnelsOwnAddressesAreNeverGiven()
    {
        var table = new FakeAddressTable(new FakeAddressOptions());
        Assert.Equal(new FakeAddresses(IPAddress.Parse("198.18.1.0"), IPAddress.Parse("fd43:756c:7665::100")), Give(table, "a.example", 0));
        foreach (IPAddress own in new[] { TunnelAddresses.LinkV4, TunnelAddresses.ResolverV4, TunnelAddresses.LinkV6, TunnelAddresses.ResolverV6 })
        {
            Assert.True(table.Covers(own));
            Assert.False(table.TryFind(own, 0, out _));
        }
    }

    [Theory]
    [InlineData("198.18.0.255")]
    [InlineData("198.18.1.1")]
    [InlineData("198.19.255.255")]
    [InlineData("198.17.1.0")]
    [InlineData("fd43:756c:7665::101")]
    [InlineData("fd43:756c:7665:0:1::100")]
    [InlineData("fd43:756c:7665:1::100")]
    [InlineData("::ffff:198.18.1.0")]
    public void AnAddressThatNobodyHasIsNotFound(string address)
    {
        var table = new FakeAddressTable(new FakeAddressOptions());
        Give(table, "a.example", 0);
        Assert.False(table.TryFind(IPAddress.Parse(address), 0, out _));
    }

    [Fact]
    public void WhenFullTheNameUsedTheLongestAgoGoes()
    {
        var table = new FakeAddressTable(new FakeAddressOptions { Capacity = 3, MinimumAge = 10 * Second });
        FakeAddresses a = Give(table, "a", 0);
        FakeAddresses b = Give(table, "b", 1 * Second);
        Give(table, "c", 2 * Second);
        Assert.True(table.TryFind(a.V4, 3 * Second, out _)); // used again, so b is now the oldest

        FakeAddresses d = Give(table, "d", 11 * Second);
        Assert.Equal(b, d);
        Assert.Equal(3, table.Count);
        Assert.True(table.TryFind(b.V4, 11 * Second, out string? name));
        Assert.Equal("d", name);
        Assert.Equal(a, Give(table, "a", 11 * Second));
    }

    [Fact]
    public void ANameUsedLatelyIsNotDrivenOut()
    {
        var table = new FakeAddressTable(new FakeAddressOptions { Capacity = 2, MinimumAge = 10 * Second });
        FakeAddresses a = Give(table, "a", 0);
        Give(table, "b", 0);
        Assert.False(table.TryGive("c", (10 * Second) - 1, out _));
        Assert.Equal(a, Give(table, "a", 10 * Second));
        Give(table, "c", 10 * Second); // b went
        Assert.False(table.TryGive("b", 10 * Second, out _));
        Assert.Equal(2, table.Count);
    }

    [Fact]
    public void TheTableAgreesWithASimpleModelOverManySteps()
    {
        const int Capacity = 50;
        var table = new FakeAddressTable(new FakeAddressOptions { Capacity = Capacity, MinimumAge = 20 });
        var random = new Random(20);
        var order = new List<(string Name, FakeAddresses Addresses, long Used)>(); // oldest first
        for (long now = 0; now < 20_000; now++)
        {
            string name = "n" + random.Next(200);
            int known = order.FindIndex(entry => entry.Name == name);
            bool given = table.TryGive(name, now, out FakeAddresses addresses);
            if (known >= 0)
            {
                Assert.True(given);
                Assert.Equal(order[known].Addresses, addresses);
                order.RemoveAt(known);
            }
            else if (order.Count == Capacity)
            {
                Assert.Equal(now - order[0].Used >= 20, given);
                if (!given)
                {
                    continue;
                }

                Assert.Equal(order[0].Addresses, addresses);
                order.RemoveAt(0);
            }

            order.Add((name, addresses, now));
        }
    }

    [Fact]
    public void TheWholeCapacityFitsAndAllAddressesDiffer()
    {
        var table = new FakeAddressTable(new FakeAddressOptions());
        var seen = new HashSet<IPAddress>();
        for (int i = 0; i < 65_536; i++)
        {
            FakeAddresses given = Give(table, $"n{i}", 0);
            Assert.True(seen.Add(given.V4) && seen.Add(given.V6));
            Assert.True(TunnelAddresses.BlockV4.Contains(given.V4) && TunnelAddresses.BlockV6.Contains(given.V6));
        }

        Assert.False(table.TryGive("more", 0, out _));
    }

    [Fact]
    public void ABlockTooSmallForTheCapacityIsRefused()
    {
        var options = new FakeAddressOptions { Capacity = 200, Reserved = 55, BlockV4 = IPNetwork.Parse("10.0.0.0/24") };
        _ = new FakeAddressTable(options);
        Assert.Throws<ArgumentException>(() => new FakeAddressTable(options with { Capacity = 201 }));
        Assert.Throws<ArgumentException>(() => new FakeAddressTable(options with { BlockV4 = TunnelAddresses.BlockV6 }));
    }

    private static FakeAddresses Give(FakeAddressTable table, string name, long now)
    {
        Assert.True(table.TryGive(name, now, out FakeAddresses addresses));
        return addresses;
    }
}
