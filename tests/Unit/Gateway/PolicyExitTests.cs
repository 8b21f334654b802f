using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Dns;
using Culvert.Core.Packets;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Gateway;
using Culvert.Tests.Unit.Dns;
using Xunit;

namespace Culvert.Tests.Unit.Gateway;

public sealed class PolicyExitTests
{
    private readonly RecordingExit _inner = new();
    private readonly HashSet<IpAddr> _own = [.. Destinations.Own.Select(IpAddr.From)];
    private IReadOnlyList<PolicyRule> _rules = [];

    public static TheoryData<string> Forbidden => [.. Destinations.Forbidden];

    public static TheoryData<string> Allowed => [.. Destinations.Allowed];

    [Fact]
    public void TheTableIsLongEnough() => Assert.True(Destinations.Forbidden.Distinct().Count() >= 100);

    [Theory]
    [MemberData(nameof(Forbidden))]
    public async Task WhatIsForbiddenIsForbiddenInEverySpellingAndWay(string host)
    {
        PolicyExit exit = Exit();
        Destination destination = new(host, 80);
        await RefusedAsync(async () => await exit.ConnectAsync(destination, default));
        await RefusedAsync(async () => await exit.ConnectAsync(destination, SocketDialer.Instance, default));
        await RefusedAsync(async () => await exit.EchoAsync(destination, default, default));
        await using IAssociation association = await exit.AssociateAsync(default);
        await RefusedAsync(async () => await association.SendAsync(default, destination));
        await RefusedAsync(async () => await association.SendAsync(default, destination)); // nothing was remembered
        Assert.Empty(_inner.Reached);
    }

    [Theory]
    [MemberData(nameof(Allowed))]
    public async Task WhatIsAllowedIsReachedByAnAddress(string host)
    {
        PolicyExit exit = Exit();
        Destination destination = new(host, 80);
        await exit.ConnectAsync(destination, default);
        await exit.EchoAsync(destination, default, default);
        await using IAssociation association = await exit.AssociateAsync(default);
        await association.SendAsync(default, destination);
        await association.SendAsync(default, destination);
        Assert.Equal(4, _inner.Reached.Count);
        Assert.Single(_inner.Reached.Distinct());
        Assert.Null(_inner.Reached[0].Name);
        Assert.NotEqual(IPAddress.Loopback, _inner.Reached[0].Address);
        Assert.Equal(80, _inner.Reached[0].Port);
    }

    [Fact]
    public async Task ANameThatChangesItsMindIsAskedOnceAndTheCheckedAddressIsDialled()
    {
        int asked = 0;
        PolicyExit exit = Exit((_, _) => Task.FromResult(new[] { ++asked == 1 ? IPAddress.Parse("93.184.215.14") : IPAddress.Loopback }));
        await exit.ConnectAsync(new Destination("rebinding.test", 80), default);
        Assert.Equal(1, asked);
        Assert.Equal(new Destination("93.184.215.14", 80), Assert.Single(_inner.Reached));
        await RefusedAsync(async () => await exit.ConnectAsync(new Destination("rebinding.test", 80), default));

        asked = 0;
        await using IAssociation association = await exit.AssociateAsync(default);
        await association.SendAsync(default, new Destination("rebinding.test", 80));
        await association.SendAsync(default, new Destination("rebinding.test", 80));
        Assert.Equal(1, asked);
        Assert.All(_inner.Reached, static d => Assert.Equal(new Destination("93.184.215.14", 80), d));
    }

    [Fact]
    public async Task TheGatewaysAddressesAreThoseOfNow()
    {
        PolicyExit exit = Exit();
        _own.Clear();
        await exit.ConnectAsync(new Destination("198.41.0.4", 80), default);
        _own.Add(IpAddr.From(IPAddress.Parse("198.41.0.4")));
        await RefusedAsync(async () => await exit.ConnectAsync(new Destination("198.41.0.4", 80), default));
    }

    [Fact]
    public async Task AnAssociationObeysRulesThatCameAfterIt()
    {
        PolicyExit exit = Exit();
        await using IAssociation association = await exit.AssociateAsync(default);
        await association.SendAsync(default, new Destination("public.test", 53));
        _rules = RuleReader.ReadOption(false, "public.test");
        await RefusedAsync(async () => await association.SendAsync(default, new Destination("public.test", 53)));
        await association.SendAsync(default, new Destination("1.1.1.1", 53));
        Assert.Equal(2, _inner.Reached.Count);
    }

    [Fact]
    public async Task ADatagramComesBackFromTheNameItWasSentTo()
    {
        await using IAssociation association = await Exit().AssociateAsync(default);
        await association.SendAsync(default, new Destination("public.test", 53));
        _inner.From = new Destination("93.184.215.14", 53);
        Assert.Equal(new Destination("public.test", 53), (await association.ReceiveAsync(default)).From);
        _inner.From = new Destination("93.184.215.14", 54);
        Assert.Equal(new Destination("93.184.215.14", 54), (await association.ReceiveAsync(default)).From);
    }

    [Fact]
    public async Task TheGatewaysUnixSocketsAreNotForDevices()
    {
        PolicyExit exit = Exit();
        Assert.Equal(ExitCapabilities.Datagrams | ExitCapabilities.Echo | ExitCapabilities.Resolve, exit.Capabilities);
        await RefusedAsync(async () => await exit.ConnectUnixAsync("/run/docker.sock", default));
    }

    [Theory]
    [InlineData("10.0.0.1", DnsRcode.Refused)]
    [InlineData("93.184.215.14", DnsRcode.NoError)]
    [InlineData("10.0.0.1 93.184.215.14", DnsRcode.NoError)]
    [InlineData("", DnsRcode.NoError)]
    [InlineData("172.16.5.5", DnsRcode.NoError)] // opened by the rule
    [InlineData("9.9.9.9", DnsRcode.Refused)] // closed by the rule
    [InlineData("8.8.8.8", DnsRcode.NoError)] // one port of it is closed
    public async Task NamesOfTheGatewaysNetworkAreNotTold(string addresses, DnsRcode expected)
    {
        _rules = [.. RuleReader.ReadOption(true, "172.16.5.5:445/tcp"), .. RuleReader.ReadOption(false, "9.9.9.9, 8.8.8.8:53")];
        byte[] query = Wire.Query("some.test", DnsType.A);
        _inner.Answer = Wire.Answer(query, [.. addresses.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static a => DnsRecord.Address(IPAddress.Parse(a), 60))]);
        ReadOnlyMemory<byte> answer = await Exit().ResolveAsync(query, default);
        Assert.True(DnsQuestion.IsAnswered(query, answer.Span) && DnsHeader.TryParse(answer.Span, out DnsHeader header) && header.Rcode == expected);
        Assert.Equal(expected == DnsRcode.Refused, DnsAnswers.Addresses(answer.Span).Count == 0 && addresses.Length > 0);
    }

    private PolicyExit Exit(AddressLookup? lookup = null) =>
        new(_inner, () => new Policy(_rules, _own.Contains), ExitOptions.Default with { Lookup = lookup ?? LookUpAsync });

    private static Task<IPAddress[]> LookUpAsync(string host, CancellationToken cancellation)
    {
        if (Destinations.Names.TryGetValue(host.ToLowerInvariant(), out string[]? addresses))
        {
            return Task.FromResult(Array.ConvertAll(addresses, IPAddress.Parse));
        }

        // The system's own reading of numbers is part of what is tested.
        return char.IsAsciiDigit(host[0]) || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            ? System.Net.Dns.GetHostAddressesAsync(host, cancellation)
            : Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound));
    }

    private static async Task RefusedAsync(Func<Task> attempt)
    {
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(attempt);
        Assert.True(e.Kind is FailureKind.Prohibited or FailureKind.NameNotFound, e.ToString());
    }
}
