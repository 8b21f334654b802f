using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core.Session;

namespace Culvert.Sessions;

/// <summary>
/// What a connection and an association of a session share: being asked for, accepted or refused, and woken. No thread of its own: what is there is taken under the driver's lock by
/// whoever asks.
/// </summary>
internal abstract class SessionFlow : IAsyncDisposable
{
    private readonly VshpFlow _flow;
    private bool _opened;

    /// <summary>Wraps a flow, whose Tag becomes this; called under the driver's lock.</summary>
    private protected SessionFlow(SessionDriver driver, VshpFlow flow)
    {
        Driver = driver;
        _flow = flow;
        flow.Tag = this;
    }

    /// <summary>Whose flow it is.</summary>
    private protected SessionDriver Driver { get; }

    /// <summary>Woken when there is something to read, or nothing any more.</summary>
    private protected Wake Readable { get; } = new();

    /// <summary>Woken when it is open, when there is room to write, or never will be.</summary>
    private protected Wake Writable { get; } = new();

    /// <summary>Waits until the other side has what we asked for, or says why it has not.</summary>
    public async ValueTask OpenedAsync(CancellationToken cancellation)
    {
        using CancellationTokenRegistration registration = Driver.Register(Writable, cancellation);
        while (true)
        {
            ValueTask wait;
            using (Driver.Enter())
            {
                if (_opened)
                {
                    return;
                }

                cancellation.ThrowIfCancellationRequested();
                ThrowIfOver();
                wait = Writable.WaitAsync();
            }

            await wait;
        }
    }

    /// <summary>We have what the other side asked for.</summary>
    public void Accept()
    {
        using (Driver.Enter())
        {
            _flow.Accept();
        }
    }

    /// <summary>We have not; it is over.</summary>
    public void Refuse(VshpReason reason)
    {
        using (Driver.Enter())
        {
            _flow.Refuse(reason);
            Released();
        }
    }

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();

    /// <summary>Something happened to the flow; called under the driver's lock.</summary>
    internal void Happened(SessionEventKind kind)
    {
        switch (kind)
        {
            case SessionEventKind.Opened:
                _opened = true;
                Driver.Wake(Writable, elsewhere: true);
                break;
            case SessionEventKind.Readable:
                Driver.Wake(Readable, elsewhere: false); // what it has to do is bounded by what has come
                break;
            case SessionEventKind.Writable:
                Driver.WakeWriter(Writable);
                break;
            default:
                WakeAll();
                break;
        }
    }

    /// <summary>Throws why it is over, unless it is not, or went as it should.</summary>
    private protected abstract void ThrowIfOver();

    /// <summary>It is over, and nobody here wants it any more; called under the driver's lock.</summary>
    private protected virtual void Released() => WakeAll();

    private protected virtual void WakeAll()
    {
        Driver.Wake(Readable, elsewhere: true);
        Driver.Wake(Writable, elsewhere: true);
    }
}
