using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Platform.Links;

namespace Culvert.Entries.Tun;

/// <summary>
/// One thread that owns one link: it turns the crank of whatever is plugged in and runs the continuations of the flows on
/// it. As a <see cref="SynchronizationContext"/> it brings every awaiting flow back to this thread, so that the stack and the
/// flows need no locks.
/// </summary>
internal sealed class LinkLoop : SynchronizationContext
{
    /// <summary>What a turn returns when the loop shall end.</summary>
    public const long Finished = -1;

    private readonly ILink _link;
    private readonly ConcurrentQueue<(SendOrPostCallback Callback, object? State)> _inbox = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private readonly Func<long, long> _turn;
    private int _wakePending;

    /// <param name="link">The link to wait on.</param>
    /// <param name="turn">
    /// Does what can be done now (given in microseconds) and returns when it wants to be called again at the latest: a time that
    /// has passed for at once, long.MaxValue for only when something comes, <see cref="Finished"/> to end.
    /// </param>
    public LinkLoop(ILink link, Func<long, long> turn)
    {
        _link = link;
        _turn = turn;
        _thread = new Thread(Go) { Name = $"link {link.Name}", IsBackground = true };
    }

    /// <summary>Ends when the loop has; faulted when a turn failed.</summary>
    public Task Completion => _completion.Task;

    /// <summary>The monotonic clock of the stack, in microseconds.</summary>
    public static long Now => (long)(Stopwatch.GetTimestamp() * (1_000_000.0 / Stopwatch.Frequency));

    public void Start() => _thread.Start();

    public override void Post(SendOrPostCallback d, object? state)
    {
        _inbox.Enqueue((d, state));
        if (Thread.CurrentThread != _thread && Interlocked.Exchange(ref _wakePending, 1) == 0)
        {
            _link.Wake();
        }
    }

    /// <summary>Runs <paramref name="callback"/> on the loop's thread: now, when that is the caller's.</summary>
    public void Run(SendOrPostCallback callback, object? state)
    {
        if (Thread.CurrentThread == _thread)
        {
            callback(state);
        }
        else
        {
            Post(callback, state);
        }
    }

    /// <summary><c>await loop.Turn</c> goes on on the loop's thread: at once, when that is the caller's.</summary>
    public LoopTurn Turn => new(this);

    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("Nobody may block on the loop; post to it.");

    public override SynchronizationContext CreateCopy() => this;

    private void Go()
    {
        SetSynchronizationContext(this);
        try
        {
            while (true)
            {
                RunInbox();
                long next = _turn(Now);
                if (next == Finished)
                {
                    break;
                }

                // Also when there is no time to wait: sockets and wakes are looked at here.
                _link.Wait(!_inbox.IsEmpty ? 0 : next == long.MaxValue ? -1 : Math.Max(0, next - Now));
            }

            _completion.SetResult();
        }
#pragma warning disable CA1031 // whatever ends the loop is told to whoever awaits Completion
        catch (Exception e)
#pragma warning restore CA1031
        {
            _completion.SetException(e);
        }
    }

    private void RunInbox()
    {
        // Cleared before looking: a post behind this line wakes the next wait, one before it is seen now.
        Interlocked.Exchange(ref _wakePending, 0);

        // Only what is there now: a continuation that posts another must not keep packets waiting.
        for (int n = _inbox.Count; n > 0 && _inbox.TryDequeue(out (SendOrPostCallback Callback, object? State) item); n--)
        {
            item.Callback(item.State);
        }
    }

    /// <summary>Brings whoever awaits it to the loop's thread.</summary>
    public readonly struct LoopTurn(LinkLoop loop) : INotifyCompletion
    {
        public bool IsCompleted => Thread.CurrentThread == loop._thread;

        public LoopTurn GetAwaiter() => this;

        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => loop.Post(static c => ((Action)c!)(), continuation);
    }
}
