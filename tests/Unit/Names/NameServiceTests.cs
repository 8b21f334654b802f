using System;
using System.Collections.Generic;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Dns;
using Culvert.Flows;
using Culvert.Names;
using Culvert.Tests.Unit.Dns;
using Xunit;

namespace Culvert.Tests.Unit.Names;

public class NameServiceTests
{
    private static readonly byte[] Query = Wire.Query("example.com", DnsType.A);
    private static readonly IPAddress Known = IPAddress.Parse("192.0.2.7");

    [Fact]
    public async Task AutoTakesTheExitsResolverAndSaysSo()
    {
        await using var names = new NameService(NamesPolicy.Auto, Resolving(query => Wire.Answer(query, DnsRecord.Address(Known, 60))));
        Assert.Contains("remote (auto)", names.Description, StringComparison.Ordinal);
        Assert.Equal([Known], Wire.Addresses(await names.AnswerAsync(Query, false, default)));
    }

    [Fact]
    public async Task AutoWithoutAResolverIsVirtualAndSaysWhy()
    {
        await using var names = new NameService(NamesPolicy.Auto, new FakeExit());
        Assert.Contains("virtual (auto)", names.Description, StringComparison.Ordinal);
        Assert.Contains("answers no DNS queries", names.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void RemoteWithoutAResolverIsRefusedWithWhatToUse()
    {
        CulvertException e = Assert.Throws<CulvertException>(() => new NameService(NamesPolicy.Remote, new FakeExit()));
        Assert.Equal(FailureKind.Configuration, e.Kind);
        Assert.Contains("--dns virtual", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutFakeAddressesOnlyTheTunnelsOwnLeadNowhere()
    {
        await using var names = new NameService(NamesPolicy.Remote, Resolving(query => Wire.Answer(query)));
        Assert.Equal(new Destination(IPAddress.Parse("198.18.1.0"), 80), names.Restore(IPAddress.Parse("198.18.1.0"), 80));
        Assert.Throws<CulvertException>(() => names.Restore(TunnelAddresses.ResolverV4, 80));
        Assert.Throws<CulvertException>(() => names.Restore(TunnelAddresses.LinkV6, 80));
    }

    [Fact]
    public async Task TheQueryPassesUntouched()
    {
        byte[] query = [.. Wire.Query("example.com", (DnsType)65280, edns: 1400, dnssec: true)];
        byte[]? seen = null;
        await using var names = new NameService(NamesPolicy.Remote, Resolving(q => Wire.Answer(seen = q.ToArray())));
        await names.AnswerAsync(query, false, default);
        Assert.Equal(query, seen);
    }

    [Fact]
    public async Task AnAnswerTooLongForTheDatagramIsCutAndWholeOverTcp()
    {
        await using var names = new NameService(NamesPolicy.Remote, Resolving(query => Wire.Text(query, 1200)));
        byte[] plain = Wire.Query("big.example", DnsType.Txt);
        byte[] edns = Wire.Query("big.example", DnsType.Txt, edns: 1400);
        ReadOnlyMemory<byte> cut = await names.AnswerAsync(plain, false, default);
        Assert.True(Wire.Truncation(cut));
        Assert.True(cut.Length <= 512);
        Assert.False(Wire.Truncation(await names.AnswerAsync(edns, false, default)));
        Assert.True((await names.AnswerAsync(plain, true, default)).Length > 1200);
    }

    [Fact]
    public async Task AFailureOfTheWayIsSaidOnceAndAnsweredAsSuch()
    {
        var warnings = new List<string>();
        var exit = new FakeExit
        {
            Capabilities = ExitCapabilities.Resolve,
            Resolve = (_, _) => throw new CulvertException(FailureKind.ExitUnreachable, "The exit has gone."),
        };
        await using var names = new NameService(NamesPolicy.Remote, exit, warn: warnings.Add);
        for (int i = 0; i < 3; i++)
        {
            ReadOnlyMemory<byte> answer = await names.AnswerAsync(Query, false, default);
            Assert.Equal(DnsRcode.ServFail, Wire.Rcode(answer));
            Assert.True(DnsQuestion.IsAnswered(Query, answer.Span));
        }

        Assert.StartsWith("The exit has gone.", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.DoesNotContain("example", warnings[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAnswerToSomethingElseIsAFailure()
    {
        byte[] other = Wire.Answer(Wire.Query("other.example", DnsType.A));
        foreach (byte[] wrong in new[] { other, [], Query })
        {
            await using var names = new NameService(NamesPolicy.Remote, Resolving(_ => wrong));
            Assert.Equal(DnsRcode.ServFail, Wire.Rcode(await names.AnswerAsync(Query, false, default)));
        }
    }

    [Fact]
    public async Task NoAnswerInTimeIsAFailure()
    {
        await using var names = new NameService(NamesPolicy.Remote, Silent(), new NameServiceOptions { QueryTimeout = TimeSpan.FromMilliseconds(50) });
        Assert.Equal(DnsRcode.ServFail, Wire.Rcode(await names.AnswerAsync(Query, false, default)));
    }

    [Fact]
    public async Task TheCallersOwnCancellationIsNoAnswer()
    {
        await using var names = new NameService(NamesPolicy.Remote, Silent());
        using var stop = new CancellationTokenSource();
        Task asking = names.AnswerAsync(Query, false, stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
    }

    [Fact]
    public async Task AboveTheLimitQueriesFailAtOnceAndLaterOnesPassAgain()
    {
        var release = new TaskCompletionSource();
        var exit = new FakeExit
        {
            Capabilities = ExitCapabilities.Resolve,
            Resolve = async (query, _) =>
            {
                await release.Task;
                return Wire.Answer(query, DnsRecord.Address(Known, 60));
            },
        };
        await using var names = new NameService(NamesPolicy.Remote, exit, new NameServiceOptions { MaxInFlight = 2 });
        Task<ReadOnlyMemory<byte>>[] first = [names.AnswerAsync(Query, false, default).AsTask(), names.AnswerAsync(Query, false, default).AsTask()];
        Assert.Equal(DnsRcode.ServFail, Wire.Rcode(await names.AnswerAsync(Query, false, default)));
        release.SetResult();
        foreach (ReadOnlyMemory<byte> answer in await Task.WhenAll(first))
        {
            Assert.Equal([Known], Wire.Addresses(answer));
        }

        Assert.Equal([Known], Wire.Addresses(await names.AnswerAsync(Query, false, default)));
    }

    [Fact]
    public async Task MessagesWithoutAHeaderAndAnswersGetNoAnswer()
    {
        await using var names = new NameService(NamesPolicy.Virtual, new FakeExit());
        for (int length = 0; length < 12; length++)
        {
            Assert.True((await names.AnswerAsync(Query.AsMemory(0, length), false, default)).IsEmpty);
        }

        Assert.True((await names.AnswerAsync(Wire.Answer(Query), false, default)).IsEmpty);
    }

    [Fact]
    public async Task WhatCannotBeReadIsToldSo()
    {
        await using var names = new NameService(NamesPolicy.Virtual, new FakeExit());
        for (int length = 12; length < Query.Length; length++)
        {
            Assert.Equal(DnsRcode.FormErr, Wire.Rcode(await names.AnswerAsync(Query.AsMemory(0, length), false, default)));
        }

        byte[] update = [.. Query];
        update[2] = 0x28;
        Assert.Equal(DnsRcode.NotImp, Wire.Rcode(await names.AnswerAsync(update, false, default)));
        ReadOnlyMemory<byte> badVersion = await names.AnswerAsync(Wire.Query("a.b", DnsType.A, edns: 1232, ednsVersion: 1), false, default);
        Assert.Equal(1, badVersion.Span[^6]);
    }

    [Theory]
    [InlineData("localhost", 0)]
    [InlineData("x.invalid", 3)]
    [InlineData("hidden.onion", 3)]
    public async Task SpecialNamesAreNotAskedOfAnybody(string name, int rcode)
    {
        await using var names = new NameService(NamesPolicy.Remote, Resolving(_ => throw new InvalidOperationException("Asked.")));
        Assert.Equal((DnsRcode)rcode, Wire.Rcode(await names.AnswerAsync(Wire.Query(name, DnsType.A), false, default)));
    }

    private static FakeExit Resolving(Func<ReadOnlyMemory<byte>, byte[]> answer) => new()
    {
        Capabilities = ExitCapabilities.Resolve,
        Resolve = (query, _) => ValueTask.FromResult<ReadOnlyMemory<byte>>(answer(query)),
    };

    private static FakeExit Silent() => new()
    {
        Capabilities = ExitCapabilities.Resolve,
        Resolve = async (_, cancellation) =>
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            return default;
        },
    };
}
