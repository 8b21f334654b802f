using System;
using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Tests.Unit.Names;
using Xunit;

namespace Culvert.Tests.Unit.Exits;

/// <summary>Spare connections to a proxy inside the process, one step after the other on the test's own thread.</summary>
public sealed class SpareConnectionsTests : IDisposable
{
    private readonly ManualClock _clock = new();
    private readonly Steps _steps = new();
    private readonly List<Place> _places = [];
    private readonly List<SpareConnections> _made = [];
    private readonly TestDialer _dialer = new();
    private Func<bool> _refuses = static () => false;

    public void Dispose()
    {
        _made.ForEach(static spares => spares.Dispose());
        _dialer.Dispose();
    }

    [Fact]
    public void TheFirstRequestHasOneOpenedForTheNext()
    {
        SpareConnections spares = Make();
        Assert.Empty(_places);
        AskAndAnswer(spares, on: 0);
        Assert.Equal(2, _places.Count);
        Assert.Equal(1, spares.Count);

        AskAndAnswer(spares, on: 1);
        Assert.Equal(3, _places.Count); // another in its place
        Assert.Equal(1, spares.Count);
    }

    [Fact]
    public void ThereAreAsManyAsRequestsCameAtATimeUpToTheLimit()
    {
        SpareConnections spares = Make(limit: 3);
        Task<string>[] asked = [.. Enumerable.Range(0, 5).Select(_ => Ask(spares, run: false))];
        _steps.Run();
        Assert.Equal(5 + 3, _places.Count);
        Assert.Equal(3, spares.Count);
        Place[] busy = [.. _places.Where(static place => place.Request.Length > 0)];
        Assert.Equal(5, busy.Length);
        Array.ForEach(busy, place => Answer(place));
        Assert.All(asked, static task => Assert.True(task.IsCompletedSuccessfully));
    }

    [Fact]
    public void WhatNobodyUsesGoesAndIsNotReplaced()
    {
        SpareConnections spares = Make();
        AskAndAnswer(spares, on: 0);
        Pass(SpareConnections.IdleLimit - TimeSpan.FromMilliseconds(1));
        Assert.False(_places[1].IsClosed);
        Pass(TimeSpan.FromMilliseconds(1));
        Assert.True(_places[1].IsClosed);
        Assert.Equal(0, spares.Count);
        Pass(TimeSpan.FromHours(1));
        Assert.Equal(2, _places.Count);

        AskAndAnswer(spares, on: 2);
        Assert.Equal(1, spares.Count); // as at the beginning
    }

    [Fact]
    public void TheOldestGoWhenThereAreMoreThanAreUsed()
    {
        SpareConnections spares = Make();
        Task[] asked = [Ask(spares, run: false), Ask(spares, run: false), Ask(spares)];
        Assert.Equal(3, spares.Count);
        for (int second = 0; second < 30; second++)
        {
            Pass(TimeSpan.FromSeconds(1));
            Task<string> next = Ask(spares);
            Answer(_places.Single(static place => place.Request.Length > 0 && !place.IsAnswered && place.Number >= 3));
            Assert.True(next.IsCompletedSuccessfully);
        }

        Assert.Equal(1, spares.Count);
        Assert.All(asked, static task => Assert.False(task.IsCompleted));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void OneThatTheProxyClosesIsDroppedAtOnce(bool politely)
    {
        SpareConnections spares = Make();
        AskAndAnswer(spares, on: 0);
        Close(_places[1], politely);
        Assert.Equal(0, spares.Count);
        Assert.True(_places[1].IsClosed);
        AskAndAnswer(spares, on: 2);
    }

    [Fact]
    public void OneThatTalksUnaskedIsNoUse()
    {
        SpareConnections spares = Make();
        AskAndAnswer(spares, on: 0);
        Answer(_places[1]);
        Assert.Equal(0, spares.Count);
        AskAndAnswer(spares, on: 2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ARequestOnOneThatEndsWithoutAByteIsSentOnceAgain(bool politely)
    {
        SpareConnections spares = Make();
        AskAndAnswer(spares, on: 0);
        Task<string> asked = Ask(spares);
        Assert.Equal("?", _places[1].Request);
        Close(_places[1], politely);
        Assert.False(asked.IsCompleted);
        Assert.True(_places[1].IsClosed);
        Place fresh = _places.Last(static place => place.Request.Length > 0);
        Assert.NotSame(_places[1], fresh);
        Close(fresh, politely);
        Assert.Equal((politely, !politely), (asked.IsCompletedSuccessfully, asked.IsFaulted)); // not a third time
    }

    [Fact]
    public void ARequestThatHasAnAnswerIsNotSentAgain()
    {
        SpareConnections spares = Make();
        AskAndAnswer(spares, on: 0);
        Task<string> asked = Ask(spares, static answer => throw new CulvertException(FailureKind.Protocol, $"{answer} is garbled."));
        Answer(_places[1]);
        Assert.True(asked.IsFaulted);
        Assert.True(_places[1].IsClosed);
        Assert.Equal(2, _places.Count(static place => place.Request.Length > 0));
    }

    [Fact]
    public void OneThatIsSilentIsNotWaitedForLong()
    {
        SpareConnections spares = Make();
        _ = Ask(spares, run: false);
        _ = Ask(spares);
        Assert.Equal(2, spares.Count);
        Task<string> asked = Ask(spares);
        Place silent = _places.Last(static place => place.Request.Length > 0);
        Pass(SpareConnections.AnswerLimit);
        Assert.True(silent.IsClosed);
        Assert.True(_places.Where(static place => place.Request.Length == 0).All(static place => place.IsClosed)); // the others are no better
        Answer(_places[^1]);
        Assert.True(asked.IsCompletedSuccessfully);
    }

    [Fact]
    public void AProxyThatRefusesThemIsLeftInPeaceForAWhile()
    {
        SpareConnections spares = Make();
        int opened = 0;
        _refuses = () => ++opened == 2;
        AskAndAnswer(spares, on: 0);
        Assert.Equal(0, spares.Count);
        for (int i = 1; i <= 3; i++)
        {
            AskAndAnswer(spares, on: i);
        }

        Assert.Equal(5, opened); // four requests and the one that was refused
        Pass(SpareConnections.Pause);
        AskAndAnswer(spares, on: 4);
        Assert.Equal(1, spares.Count);
    }

    [Fact]
    public void AFlowHasThePlaceThatASpareOneTook()
    {
        SpareConnections spares = Make();
        AskAndAnswer(spares, on: 0);
        _places[0].Near.Abort();
        _refuses = () => _places.Any(static place => !place.IsClosed); // a proxy of one place
        using TestDialer other = new(); // which has no spare ones itself
        Task<string> asked = Ask(spares, dialer: other);
        Assert.True(_places[1].IsClosed);
        Answer(_places[2]);
        Assert.True(asked.IsCompletedSuccessfully);
        Assert.Equal(0, spares.Count);
    }

    [Fact]
    public void AProxyThatRefusesAllIsNotAskedTwice()
    {
        SpareConnections spares = Make();
        int opened = 0;
        _refuses = () => ++opened > 0;
        Task<string> asked = Ask(spares);
        Assert.Equal(FailureKind.ExitUnreachable, Assert.IsType<CulvertException>(asked.Exception!.InnerException).Kind);
        Assert.Equal(1, opened);
    }

    [Fact]
    public void TheyEndWithTheirDialer()
    {
        SpareConnections spares = Make();
        using TestDialer other = new();
        AskAndAnswer(spares, on: 0);
        Task<string> asked = Ask(spares, dialer: other);
        Assert.Equal(2, spares.Count);
        _dialer.End();
        Assert.True(_places[1].IsClosed);
        Assert.Equal(1, spares.Count);
        Assert.False(_places[3].IsClosed);
        Task<string> late = Ask(spares);
        Assert.Equal(1, spares.Count);
        Assert.False(asked.IsCompleted || late.IsCompleted);
    }

    [Fact]
    public void NoneAreLeftAtTheEndAlsoOfThoseBeingOpened()
    {
        SpareConnections spares = Make();
        AskAndAnswer(spares, on: 0);
        Task<string> asked = Ask(spares, run: false); // the next is about to be opened
        _steps.Run(spares.Dispose);
        Assert.Equal(0, spares.Count);
        Answer(_places[1]);
        Assert.True(asked.IsCompletedSuccessfully);
        Assert.Equal(2, _places.Count(static place => !place.IsClosed)); // the flows' own
    }

    [Fact]
    public void WhoGivesUpIsToldSo()
    {
        SpareConnections spares = Make();
        AskAndAnswer(spares, on: 0);
        using CancellationTokenSource patience = new();
        Task<string> asked = Ask(spares, cancellation: patience.Token);
        _steps.Run(patience.Cancel);
        Assert.True(asked.IsCanceled);
        Assert.True(_places[1].IsClosed);
        Assert.Equal(2, _places.Count(static place => place.Request.Length > 0));
    }

    [Fact]
    public void ALimitOfNoneKeepsNone()
    {
        SpareConnections spares = Make(limit: 0);
        AskAndAnswer(spares, on: 0);
        AskAndAnswer(spares, on: 1);
        Assert.Equal(2, _places.Count);
    }

    private SpareConnections Make(int limit = 8)
    {
        SpareConnections spares = new(OpenAsync, limit, _clock);
        _made.Add(spares);
        return spares;
    }

    private ValueTask<BufferedConnection> OpenAsync(IDialer dialer, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_refuses())
        {
            return ValueTask.FromException<BufferedConnection>(new CulvertException(FailureKind.ExitUnreachable, "No place is left."));
        }

        Place place = new(_places.Count);
        _places.Add(place);
        return ValueTask.FromResult(new BufferedConnection(place.Near));
    }

    private Task<string> Ask(
        SpareConnections spares, Func<string, string>? read = null, IDialer? dialer = null, bool run = true, CancellationToken cancellation = default)
    {
        Task<string>? asked = null;
        _steps.Run(() => asked = AskAsync(), follow: run);
        return asked!;

        async Task<string> AskAsync()
        {
            (BufferedConnection _, string answer) = await spares.AskAsync(
                dialer ?? _dialer,
                async (connection, token) =>
                {
                    await connection.WriteAsync(new ReadOnlySequence<byte>("?"u8.ToArray()), token);
                    await connection.FillAsync(100, token); // hanging up is an answer too, an empty one
                    string text = Encoding.ASCII.GetString(connection.Buffered.Span);
                    return read is null ? text : read(text);
                },
                cancellation);
            return answer;
        }
    }

    private void AskAndAnswer(SpareConnections spares, int on)
    {
        Task<string> asked = Ask(spares);
        int at = _places.FindIndex(static place => place.Request.Length > 0 && !place.IsAnswered);
        Answer(_places[at]);
        Assert.True(asked.IsCompletedSuccessfully);
        Assert.Equal("!", asked.Result);
        Assert.Equal(on, at);
    }

    private void Pass(TimeSpan time) => _steps.Run(() => _clock.Advance(time));

    private void Answer(Place place)
    {
        _steps.Run(place.Answer);
    }

    private void Close(Place place, bool politely)
    {
        _steps.Run(() => place.Close(politely));
    }

    /// <summary>A connection at the proxy.</summary>
    private sealed class Place
    {
        private readonly MemoryConnection _far;
        private readonly byte[] _buffer = new byte[10];
        private readonly Task<int> _request;

        public Place(int number)
        {
            Number = number;
            (Near, _far) = MemoryConnection.Pair();
            _request = _far.ReadAsync(_buffer).AsTask();
        }

        public int Number { get; }

        public MemoryConnection Near { get; }

        public bool IsAnswered { get; private set; }

        public bool IsClosed => Near.Closed.Task.IsCompleted;

        public string Request => _request.IsCompletedSuccessfully ? Encoding.ASCII.GetString(_buffer, 0, _request.Result) : "";

        public void Answer()
        {
            IsAnswered = true;
            Assert.True(_far.WriteAsync(new ReadOnlySequence<byte>("!"u8.ToArray())).AsTask().IsCompletedSuccessfully);
        }

        public void Close(bool politely)
        {
            if (politely)
            {
                _ = _far.FinishAsync().AsTask();
            }
            else
            {
                _far.Abort();
            }
        }
    }

    private sealed class TestDialer : IDialer, IDisposable
    {
        private readonly CancellationTokenSource _ending = new();

        public CancellationToken Ending => _ending.Token;

        public void End() => _ending.Cancel();

        public ValueTask<IConnection> DialAsync(IPEndPoint endpoint, OutgoingInterface? outgoing, string what, CancellationToken cancellation) =>
            throw new NotSupportedException("Connections come from the test.");

        public void Dispose() => _ending.Dispose();
    }

    /// <summary>Runs on the test's thread whatever goes on after an await, when the test says so.</summary>
    private sealed class Steps : SynchronizationContext
    {
        private readonly ConcurrentQueue<(SendOrPostCallback Callback, object? State)> _next = new();

        public override void Post(SendOrPostCallback d, object? state) => _next.Enqueue((d, state));

        /// <summary>Does <paramref name="first"/>, and all that follows from it and from what was done before.</summary>
        public void Run(Action? first = null, bool follow = true)
        {
            SynchronizationContext? before = Current;
            SetSynchronizationContext(this);
            try
            {
                first?.Invoke();
                while (follow && _next.TryDequeue(out (SendOrPostCallback Callback, object? State) step))
                {
                    step.Callback(step.State);
                }
            }
            finally
            {
                SetSynchronizationContext(before);
            }
        }
    }
}
