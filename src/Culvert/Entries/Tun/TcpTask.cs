using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core.Stack;

namespace Culvert.Entries.Tun;

/// <summary>One TCP flow at work on the loop's thread: what is done with it is its descendants' affair, its life is told here.</summary>
internal abstract class TcpTask
{
    private readonly CancellationTokenSource _cancellation = new();
    private bool _over;
    private bool _refused;

    protected TcpTask(TunContext context, TcpFlow flow)
    {
        Context = context;
        Flow = flow;
        LastActive = LinkLoop.Now;
    }

    protected TunContext Context { get; }

    protected TcpFlow Flow { get; }

    protected CancellationToken Cancellation => _cancellation.Token;

    protected LoopSignal BytesIn { get; } = new();

    protected LoopSignal RoomOut { get; } = new();

    /// <summary>When a byte last moved, in the loop's microseconds.</summary>
    protected long LastActive { get; set; }

    /// <summary>One direction is finished.</summary>
    protected bool HalfClosed { get; set; }

    /// <summary>The flow was reset or timed out, or the entry is ending.</summary>
    protected bool IsOver => _over || Flow.CloseReason is not (TcpCloseReason.None or TcpCloseReason.Finished);

    public async void Start()
    {
        try
        {
            await RunAsync();
        }
        finally
        {
            if (!_refused)
            {
                Flow.Release(LinkLoop.Now);
            }

            _cancellation.Dispose();
            Context.Ended(this);
        }
    }

    public virtual void Readable() => BytesIn.Set();

    public virtual void Writable() => RoomOut.Set();

    public void Closed()
    {
        if (Flow.CloseReason != TcpCloseReason.Finished)
        {
            Interrupt();
        }
    }

    public void Abort()
    {
        Flow.Abort(LinkLoop.Now);
        Interrupt();
    }

    public virtual bool IsIdle(long now)
    {
        TimeSpan limit = HalfClosed ? Context.Options.HalfClosedTimeout : Context.Options.IdleTimeout;
        return now - LastActive > (long)limit.TotalMicroseconds;
    }

    /// <summary>Does the flow's work; every failure is handled inside. The flow is released behind it.</summary>
    protected abstract Task RunAsync();

    /// <summary>Answers the SYN with a refusal, which releases the flow as well.</summary>
    protected void Refuse(Refusal refusal)
    {
        _refused = true;
        Flow.Refuse(refusal, LinkLoop.Now);
    }

    /// <summary>Makes whatever RunAsync waits for fail or return.</summary>
    protected virtual void DropFarSide()
    {
    }

    private void Interrupt()
    {
        if (!_over)
        {
            _over = true;
            _cancellation.Cancel();
            DropFarSide();
            BytesIn.Set();
            RoomOut.Set();
        }
    }
}
