using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
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

public class ServerNamesTests
{
    private static readonly IPEndPoint Server = IPEndPoint.Parse("192.0.2.53:53");
    private static readonly Destination There = new(Server.Address, Server.Port);
    private static readonly IPAddress Known = IPAddress.Parse("192.0.2.7");
    private static readonly byte[] Query = Wire.Query("example.com", DnsType.A);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly NameServiceOptions Patient = new() { DatagramTryTimeout = Patience, QueryTimeout = Patience, IdleTimeout = Patience };
    private static readonly NameServiceOptions Hasty = Patient with { DatagramTryTimeout = TimeSpan.FromMilliseconds(40) };

    [Fact]
    public async Task ByUdpTheAnswerComesUnderTheClientsIdentifierAndAnotherGoesOut()
    {
        var seen = new List<byte[]>();
        await using var names = new ServerNames(Datagrams((query, _) => { seen.Add(query); return [(Happy(query), There, false)]; }), Server, Patient);
        for (int i = 0; i < 4; i++)
        {
            ReadOnlyMemory<byte> answer = await names.AskAsync(Query, false, default);
            Assert.True(DnsQuestion.IsAnswered(Query, answer.Span));
            Assert.Equal([Known], Wire.Addresses(answer));
        }

        Assert.All(seen, query => Assert.Equal(Query[2..], query[2..]));
        Assert.True(seen.Select(query => (query[0] << 8) | query[1]).Distinct().Count() > 1);
    }

    [Fact]
    public async Task ForgedDatagramsArePassedOver()
    {
        await using var names = new ServerNames(
            Datagrams((query, _) =>
            [
                (Forged(query), new Destination(IPAddress.Parse("192.0.2.54"), 53), false),
                (Forged(query), new Destination(Server.Address, 54), false),
                ([], new Destination(IPAddress.Parse("192.0.2.54"), 53), true),
                (Changed(query, 0), There, false),
                (Changed(query, 13), There, false),
                (query, There, false),
                ([], There, false),
                ([1], There, false),
                (Happy(query), There, false),
            ]),
            Server,
            Patient);
        Assert.Equal([Known], Wire.Addresses(await names.AskAsync(Query, false, default)));
    }

    [Fact]
    public async Task ALostDatagramIsSentAgain()
    {
        int sent = 0;
        await using var names = new ServerNames(Datagrams((query, _) => ++sent < 3 ? [] : [(Happy(query), There, false)]), Server, Hasty);
        Assert.Equal([Known], Wire.Addresses(await names.AskAsync(Query, false, default)));
        Assert.Equal(3, sent);
    }

    [Fact]
    public async Task ACutAnswerIsFetchedOverTcp()
    {
        var exit = new TestExit { Datagram = (query, _) => [(Wire.Truncated(query), There, false)], Stream = query => [Wire.Text(query, 3000)] };
        await using var names = new ServerNames(exit.Build(), Server, Patient);
        Assert.True((await names.AskAsync(Wire.Query("big.example", DnsType.Txt), false, default)).Length > 3000);
    }

    [Fact]
    public async Task AClientOverTcpIsServedOverTcpFromTheStart()
    {
        var exit = new TestExit { Datagram = (_, _) => throw new InvalidOperationException("Asked by UDP."), Stream = query => [Happy(query)] };
        await using var names = new ServerNames(exit.Build(), Server, Patient);
        Assert.Equal([Known], Wire.Addresses(await names.AskAsync(Query, true, default)));
    }

    [Fact]
    public async Task WhereUdpIsLostTcpAnswersAndIsAskedFirstFromThenOn()
    {
        int datagrams = 0;
        var exit = new TestExit { Datagram = (_, _) => { datagrams++; return []; }, Stream = query => [Happy(query)] };
        await using var names = new ServerNames(exit.Build(), Server, Hasty);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal([Known], Wire.Addresses(await names.AskAsync(Query, false, default)));
        }

        Assert.Equal(Hasty.DatagramTries, datagrams);
    }

    [Fact]
    public async Task AServerThatRefusesUdpIsAskedOverTcpAtOnce()
    {
        var exit = new TestExit { Datagram = (_, _) => [([], There, true)], Stream = query => [Happy(query)] };
        await using var names = new ServerNames(exit.Build(), Server, Patient);
        Assert.Equal([Known], Wire.Addresses(await names.AskAsync(Query, false, default).AsTask().WaitAsync(Patience / 2)));
    }

    [Fact]
    public async Task OneConnectionServesManyQueriesAndAnswersInAnyOrder()
    {
        var held = new List<byte[]>();
        var exit = new TestExit
        {
            Stream = query =>
            {
                held.Add(query);
                return held.Count < 20 ? [] : held.AsEnumerable().Reverse().Select(one => Wire.Answer(one, DnsRecord.Address(new IPAddress([192, 0, 2, one[13]]), 60)));
            },
        };
        await using var names = new ServerNames(exit.Build(), Server, Patient);
        Task<ReadOnlyMemory<byte>>[] asked = [.. Enumerable.Range(0, 20).Select(i => names.AskAsync(Wire.Query($"{(char)('a' + i)}.example", DnsType.A), true, default).AsTask())];
        ReadOnlyMemory<byte>[] answers = await Task.WhenAll(asked);
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal([new IPAddress([192, 0, 2, (byte)('a' + i)])], Wire.Addresses(answers[i]));
        }

        Assert.Equal([There], exit.Connected);
    }

    [Fact]
    public async Task AConnectionThatTheServerClosedMeanwhileIsOpenedAgain()
    {
        // The server answers one query a connection, and closes when it sees the second: without a word, or by a reset.
        foreach (bool reset in new[] { false, true })
        {
            var exit = new TestExit();
            exit.Serve = async far =>
            {
                await far.WriteAsync(new(DnsFraming.Frame(Happy(await ReadMessageAsync(far)))));
                await ReadMessageAsync(far);
                if (reset)
                {
                    far.Abort();
                }
                else
                {
                    await far.FinishAsync();
                }
            };
            await using var names = new ServerNames(exit.Build(), Server, Patient);
            for (int i = 0; i < 3; i++)
            {
                Assert.Equal([Known], Wire.Addresses(await names.AskAsync(Query, true, default)));
            }

            Assert.Equal(3, exit.Connected.Count);
        }
    }

    [Fact]
    public async Task AServerThatClosesAtOnceIsAFailureAndNotALoop()
    {
        var exit = new TestExit { Serve = async far => await far.FinishAsync() };
        await using var names = new ServerNames(exit.Build(), Server, Patient);
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await names.AskAsync(Query, true, default));
        Assert.Equal(FailureKind.Reset, e.Kind);
        Assert.Single(exit.Connected);
    }

    [Fact]
    public async Task AConnectionThatFellSilentIsNotAskedAgain()
    {
        int connections = 0;
        var exit = new TestExit();
        exit.Serve = async far =>
        {
            bool answers = Interlocked.Increment(ref connections) > 1;
            byte[] query = await ReadMessageAsync(far);
            await (answers ? far.WriteAsync(new(DnsFraming.Frame(Happy(query)))) : ValueTask.CompletedTask);
        };
        await using var names = new ServerNames(exit.Build(), Server, Patient with { QueryTimeout = TimeSpan.FromMilliseconds(50) });
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await names.AskAsync(Query, true, default));
        Assert.Equal(FailureKind.TimedOut, e.Kind);
        Assert.Equal([Known], Wire.Addresses(await names.AskAsync(Query, true, default)));
    }

    [Fact]
    public async Task IdleWaysAreClosed()
    {
        var exit = new TestExit { Datagram = (query, _) => [(Happy(query), There, false)], Stream = query => [Happy(query)] };
        await using var names = new ServerNames(exit.Build(), Server, Patient with { IdleTimeout = TimeSpan.FromMilliseconds(20) });
        await names.AskAsync(Query, false, default);
        await names.AskAsync(Query, true, default);
        await exit.Associations.Single().Closed.Task.WaitAsync(Patience);
        await exit.Near.Single().Closed.Task.WaitAsync(Patience);
        Assert.Equal([Known], Wire.Addresses(await names.AskAsync(Query, true, default)));
    }

    [Fact]
    public async Task TheEndClosesWhatIsOpen()
    {
        var exit = new TestExit { Datagram = (query, _) => [(Happy(query), There, false)], Stream = query => [Happy(query)] };
        var names = new ServerNames(exit.Build(), Server, Patient);
        await names.AskAsync(Query, false, default);
        await names.AskAsync(Query, true, default);
        await names.DisposeAsync();
        Assert.True(exit.Associations.Single().Closed.Task.IsCompleted);
        Assert.True(exit.Near.Single().Closed.Task.IsCompleted);
    }

    [Fact]
    public async Task AServerThatDoesNotTakeBytesHoldsNobodyBeyondTheTimeOut()
    {
        var stuck = new StuckConnection();
        var exit = new FakeExit { Connect = (_, _) => ValueTask.FromResult<IConnection>(stuck) };
        await using var names = new ServerNames(exit, Server, Patient with { QueryTimeout = TimeSpan.FromMilliseconds(50) });
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await names.AskAsync(Query, true, default).AsTask().WaitAsync(Patience));
        Assert.Equal(FailureKind.TimedOut, e.Kind);
    }

    private static FakeExit Datagrams(Func<byte[], Destination, IEnumerable<(byte[], Destination, bool)>> answer) => new TestExit { Datagram = answer }.Build();

    private static byte[] Happy(byte[] query) => Wire.Answer(query, DnsRecord.Address(Known, 60));

    private static byte[] Forged(byte[] query) => Wire.Answer(query, DnsRecord.Address(IPAddress.Parse("203.0.113.66"), 60));

    private static byte[] Changed(byte[] query, int at)
    {
        byte[] answer = Forged(query);
        answer[at] ^= 1;
        return answer;
    }

    /// <summary>The next framed message, one byte at a time, which the framing must not mind; empty at the end.</summary>
    private static async Task<byte[]> ReadMessageAsync(IConnection connection)
    {
        var bytes = new List<byte>();
        byte[] one = new byte[1];
        while (bytes.Count < 2 || bytes.Count < 2 + ((bytes[0] << 8) | bytes[1]))
        {
            if (await connection.ReadAsync(one) == 0)
            {
                return [];
            }

            bytes.Add(one[0]);
        }

        return [.. bytes.Skip(2)];
    }

    /// <summary>An exit to the one server of these tests.</summary>
    private sealed class TestExit
    {
        public Func<byte[], Destination, IEnumerable<(byte[], Destination, bool)>>? Datagram { get; init; }

        /// <summary>Gives the answers that are sent once a query has come over a connection.</summary>
        public Func<byte[], IEnumerable<byte[]>>? Stream { get; init; }

        /// <summary>In the place of <see cref="Stream"/>: all that the server does with a connection.</summary>
        public Func<MemoryConnection, Task>? Serve { get; set; }

        public ConcurrentQueue<Destination> Connected { get; } = new();

        public ConcurrentQueue<MemoryAssociation> Associations { get; } = new();

        public ConcurrentQueue<MemoryConnection> Near { get; } = new();

        public FakeExit Build() => new()
        {
            Capabilities = Datagram is null ? ExitCapabilities.None : ExitCapabilities.Datagrams,
            Associate = () =>
            {
                var association = new MemoryAssociation((payload, to) => to == There ? Datagram!(payload, to) : []);
                Associations.Enqueue(association);
                return association;
            },
            Connect = (destination, cancellation) =>
            {
                Connected.Enqueue(destination);
                (MemoryConnection near, MemoryConnection far) = MemoryConnection.Pair();
                Near.Enqueue(near);
                _ = (Serve ?? ServeAsync)(far);
                return ValueTask.FromResult<IConnection>(near);
            },
        };

        private async Task ServeAsync(MemoryConnection far)
        {
            while (true)
            {
                byte[] query = await ReadMessageAsync(far);
                if (query.Length == 0)
                {
                    return;
                }

                foreach (byte[] answer in Stream!(query))
                {
                    await far.WriteAsync(new(DnsFraming.Frame(answer)));
                }
            }
        }
    }

    /// <summary>A connection whose far side takes nothing and says nothing.</summary>
    private sealed class StuckConnection : IConnection
    {
        public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation = default)
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            return 0;
        }

        public async ValueTask WriteAsync(System.Buffers.ReadOnlySequence<byte> data, CancellationToken cancellation = default) =>
            await Task.Delay(Timeout.Infinite, cancellation);

        public ValueTask FinishAsync(CancellationToken cancellation = default) => ValueTask.CompletedTask;

        public void Abort()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
