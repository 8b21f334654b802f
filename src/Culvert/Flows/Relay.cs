using System;
using System.Buffers;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;

namespace Culvert.Flows;

/// <summary>
/// Carries bytes between two connections, both ways, until both have finished. Back-pressure is by construction: what one side does not take
/// is not read from the other. Half-close is carried; an error on one side resets the other. An idle direction holds no buffer.
/// </summary>
public sealed class Relay
{
    private readonly IConnection _a;
    private readonly IConnection _b;
    private readonly RelayOptions _options;
    private long _lastActivity;
    private int _finished;
    private int _reason = -1;

    private Relay(IConnection a, IConnection b, RelayOptions options)
    {
        _a = a;
        _b = b;
        _options = options;
        _lastActivity = options.Clock.GetTimestamp();
    }

    /// <summary>
    /// Relays until the end and disposes of both connections. Says how it ended; the errors of connections and cancellation are such ends, and
    /// not thrown.
    /// </summary>
    public static async Task<CloseReason> RunAsync(IConnection a, IConnection b, RelayOptions? options = null, CancellationToken cancellation = default)
    {
        Relay relay = new(a, b, options ?? RelayOptions.Default);
        try
        {
            using CancellationTokenRegistration registration = cancellation.UnsafeRegister(
                static r => ((Relay)r!).End(CloseReason.Cancelled), relay);
            ITimer timer = relay._options.Clock.CreateTimer(
                static r => ((Relay)r!).CheckIdle(), relay, relay._options.IdleTimeout, Timeout.InfiniteTimeSpan);
            await using (timer.ConfigureAwait(false))
            {
                relay.Timer = timer;
                Task up = relay.PumpAsync(a, b);
                Task down = relay.PumpAsync(b, a);
                await Task.WhenAll(up, down).ConfigureAwait(false);
            }
        }
        finally
        {
            await a.DisposeAsync().ConfigureAwait(false);
            await b.DisposeAsync().ConfigureAwait(false);
        }

        return relay._reason < 0 ? CloseReason.Finished : (CloseReason)relay._reason;
    }

    private ITimer? Timer { get; set; }

    private TimeSpan Limit => Volatile.Read(ref _finished) > 0 ? _options.HalfClosedTimeout : _options.IdleTimeout;

    private async Task PumpAsync(IConnection from, IConnection to)
    {
        byte[]? buffer = null;
        try
        {
            while (true)
            {
                if (buffer is null)
                {
                    await from.ReadAsync(Memory<byte>.Empty).ConfigureAwait(false);
                    buffer = ArrayPool<byte>.Shared.Rent(_options.BufferSize);
                }

                int count = await from.ReadAsync(buffer).ConfigureAwait(false);
                Volatile.Write(ref _lastActivity, _options.Clock.GetTimestamp());
                if (count == 0)
                {
                    break;
                }

                await to.WriteAsync(new ReadOnlySequence<byte>(buffer, 0, count)).ConfigureAwait(false);
                Volatile.Write(ref _lastActivity, _options.Clock.GetTimestamp());
                if (count < buffer.Length)
                {
                    // Probably nothing more is waiting: be without a buffer meanwhile.
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = null;
                }
            }

            await to.FinishAsync().ConfigureAwait(false);
            if (Interlocked.Increment(ref _finished) == 1)
            {
                Timer?.Change(_options.HalfClosedTimeout, System.Threading.Timeout.InfiniteTimeSpan);
            }
        }
        catch (CulvertException)
        {
            End(CloseReason.Reset);
        }
        catch
        {
            End(CloseReason.Reset); // a defect; the other direction must not wait for it
            throw;
        }
        finally
        {
            if (buffer is not null)
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    private void End(CloseReason reason)
    {
        if (Interlocked.CompareExchange(ref _reason, (int)reason, -1) == -1)
        {
            _a.Abort();
            _b.Abort();
        }
    }

    private void CheckIdle()
    {
        TimeSpan left = Limit - _options.Clock.GetElapsedTime(Volatile.Read(ref _lastActivity));
        if (left <= TimeSpan.Zero)
        {
            End(CloseReason.Idle);
        }
        else
        {
            Timer?.Change(left, Timeout.InfiniteTimeSpan);
        }
    }
}
