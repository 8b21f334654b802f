using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Dns;
using Culvert.Names;
using Culvert.Tests.Unit.Dns;
using Xunit;

namespace Culvert.Tests.Unit.Names;

public class SystemResolverTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);
    private static readonly byte[] Query = Wire.Query("www.Example.com", DnsType.A);
    private static readonly IPAddress Known = IPAddress.Parse("192.0.2.7");

    [Fact]
    public async Task AnAnswerComesBackUnderTheClientsIdentifier()
    {
        await using var server = new LoopbackNameServer((query, _) => [Happy(query)]);
        ReadOnlyMemory<byte> answer = await Resolver(Long, server.EndPoint).ResolveAsync(Query, default);
        Assert.True(DnsQuestion.IsAnswered(Query, answer.Span));
        Assert.Equal([Known], Wire.Addresses(answer));
    }

    [Fact]
    public async Task IdentifiersThatGoOutAreNotTheClients()
    {
        await using var server = new LoopbackNameServer((query, _) => [Happy(query)]);
        SystemResolver resolver = Resolver(Long, server.EndPoint);
        for (int i = 0; i < 8; i++)
        {
            await resolver.ResolveAsync(Query, default);
        }

        Assert.True(server.Asked.Select(asked => (asked.Query[0] << 8) | asked.Query[1]).Distinct().Count() > 4);
    }

    [Fact]
    public async Task ForgedAnswersArePassedOver()
    {
        await using var server = new LoopbackNameServer((query, _) => [Changed(query, 0), Changed(query, 13), query, [1, 2, 3], Happy(query)]);
        ReadOnlyMemory<byte> answer = await Resolver(Long, server.EndPoint).ResolveAsync(Query, default);
        Assert.Equal([Known], Wire.Addresses(answer));
    }

    [Fact]
    public async Task ACutAnswerIsFetchedOverTcp()
    {
        await using var server = new LoopbackNameServer((query, overTcp) => [overTcp ? Wire.Text(query, 3000) : Wire.Truncated(query)]);
        ReadOnlyMemory<byte> answer = await Resolver(Long, server.EndPoint).ResolveAsync(Wire.Query("big.example", DnsType.Txt), default);
        Assert.True(answer.Length > 3000);
        Assert.Equal([false, true], server.Asked.Select(asked => asked.OverTcp));
    }

    [Fact]
    public async Task ASilentServerIsFollowedByTheNext()
    {
        await using var silent = new LoopbackNameServer((_, _) => []);
        await using var server = new LoopbackNameServer((query, _) => [Happy(query)]);
        ReadOnlyMemory<byte> answer = await Resolver(Short, silent.EndPoint, server.EndPoint).ResolveAsync(Query, default);
        Assert.Equal([Known], Wire.Addresses(answer));
        Assert.Single(silent.Asked);
    }

    [Fact]
    public async Task AServerThatIsNotThereIsFollowedByTheNextAtOnce()
    {
        await using var server = new LoopbackNameServer((query, _) => [Happy(query)]);
        ReadOnlyMemory<byte> answer = await Resolver(Long, Closed(), server.EndPoint).ResolveAsync(Query, default).AsTask().WaitAsync(Long / 2);
        Assert.Equal([Known], Wire.Addresses(answer));
    }

    [Fact]
    public async Task AServerThatFailsIsFollowedByTheNext()
    {
        await using var failing = new LoopbackNameServer((query, _) => [Wire.Failure(query, DnsRcode.ServFail)]);
        await using var server = new LoopbackNameServer((query, _) => [Happy(query)]);
        Assert.Equal([Known], Wire.Addresses(await Resolver(Long, failing.EndPoint, server.EndPoint).ResolveAsync(Query, default)));
    }

    [Fact]
    public async Task WhenAllFailTheirAnswerIsGivenAfterOneRound()
    {
        await using var failing = new LoopbackNameServer((query, _) => [Wire.Failure(query, DnsRcode.Refused)]);
        Assert.Equal(DnsRcode.Refused, Wire.Rcode(await Resolver(Long, failing.EndPoint, failing.EndPoint).ResolveAsync(Query, default)));
        Assert.Equal(2, failing.Asked.Count);
    }

    [Fact]
    public async Task ANameThatDoesNotExistIsAnAnswer()
    {
        await using var server = new LoopbackNameServer((query, _) => [Wire.Failure(query, DnsRcode.NxDomain)]);
        Assert.Equal(DnsRcode.NxDomain, Wire.Rcode(await Resolver(Long, server.EndPoint, server.EndPoint).ResolveAsync(Query, default)));
        Assert.Single(server.Asked);
    }

    [Fact]
    public async Task SilenceEverywhereIsATimeOutAfterTwoRounds()
    {
        await using var silent = new LoopbackNameServer((_, _) => []);
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await Resolver(Short, silent.EndPoint).ResolveAsync(Query, default));
        Assert.Equal(FailureKind.TimedOut, e.Kind);
        Assert.Equal(2, silent.Asked.Count);
    }

    [Fact]
    public async Task NobodyListeningIsARefusal()
    {
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await Resolver(Long, Closed()).ResolveAsync(Query, default));
        Assert.Equal(FailureKind.Refused, e.Kind);
    }

    [Fact]
    public async Task TheCallersOwnCancellationIsNoFailure()
    {
        await using var silent = new LoopbackNameServer((_, _) => []);
        using var stop = new CancellationTokenSource();
        Task resolving = Resolver(Long, silent.EndPoint).ResolveAsync(Query, stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => resolving);
    }

    [Fact]
    public async Task WhatIsNoQueryIsNotForwarded()
    {
        await using var server = new LoopbackNameServer((query, _) => [Happy(query)]);
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await Resolver(Long, server.EndPoint).ResolveAsync(new byte[11], default));
        Assert.Equal(FailureKind.Protocol, e.Kind);
        Assert.Empty(server.Asked);
    }

    [Fact]
    public void TheFilesServersAreReadInTheirOrder()
    {
        IReadOnlyList<IPEndPoint> servers = ResolverFile.Parse(
        [
            "# nameserver 192.0.2.9", "search example.com", " nameserver\t192.0.2.1 ; the first", "nameserver not-an-address", "nameserver", "options edns0",
            "nameserver fd00::1", "nameserver 192.0.2.3", "nameserver 192.0.2.4",
        ]);
        Assert.Equal([IPEndPoint.Parse("192.0.2.1:53"), IPEndPoint.Parse("[fd00::1]:53"), IPEndPoint.Parse("192.0.2.3:53")], servers);
    }

    [Fact]
    public void AFileWithoutServersMeansThisMachine() => Assert.Equal([IPEndPoint.Parse("127.0.0.1:53")], ResolverFile.Parse(["search example.com"]));

    [Fact]
    public void TheFileIsReadAnewWhenItChanges()
    {
        string path = System.IO.Path.GetTempFileName();
        try
        {
            var file = new ResolverFile(path);
            System.IO.File.WriteAllText(path, "nameserver 192.0.2.1\n");
            Assert.Equal("192.0.2.1:53", Assert.Single(file.Servers()).ToString());
            System.IO.File.WriteAllText(path, "nameserver 192.0.2.2\n");
            System.IO.File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddSeconds(5));
            Assert.Equal("192.0.2.2:53", Assert.Single(file.Servers()).ToString());
            System.IO.File.Delete(path);
            Assert.Equal("127.0.0.1:53", Assert.Single(file.Servers()).ToString());
        }
        finally
        {
            System.IO.File.Delete(path);
        }
    }

    private static SystemResolver Resolver(TimeSpan tryTimeout, params IPEndPoint[] servers) => new(() => servers, tryTimeout);

    private static byte[] Happy(byte[] query) => Wire.Answer(query, DnsRecord.Address(Known, 60));

    private static byte[] Changed(byte[] query, int at)
    {
        byte[] answer = Wire.Answer(query, DnsRecord.Address(IPAddress.Parse("203.0.113.66"), 60));
        answer[at] ^= 1;
        return answer;
    }

    /// <summary>A loopback port that nobody listens on: bound a moment ago, and given back.</summary>
    private static IPEndPoint Closed()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }
}
