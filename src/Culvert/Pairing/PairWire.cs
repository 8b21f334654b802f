using System;
using System.Buffers;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Flows;

namespace Culvert.Pairing;

/// <summary>
/// Carries one side of a pairing over a connection, which stays its maker's. A read is never given up (TLS would not go on from there): what is under way at the end ends with the connection.
/// </summary>
internal sealed class PairWire(IConnection connection, PairSide side)
{
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    private readonly byte[] _buffer = new byte[FirstFrame.MaxSize];
    private Task<int>? _reading;

    /// <summary>The read that is under way; a connection that breaks is one that ends, since what was said before counts.</summary>
    public Task Reading => _reading ??= ReadAsync();

    /// <summary>Sends what the side has to say.</summary>
    public async Task SendAsync(CancellationToken cancellation)
    {
        if (side.TakeOutput() is not { IsEmpty: false } output)
        {
            return;
        }

        try
        {
            await connection.WriteAsync(new ReadOnlySequence<byte>(output), cancellation).ConfigureAwait(false);
        }
        catch (CulvertException)
        {
            // The other side may have said why before it went: the next read tells.
        }
    }

    /// <summary>Gives the side what <see cref="Reading"/>, which has completed, has read.</summary>
    public void Take()
    {
        int count = TakeCount();
        side.Receive(_buffer.AsSpan(0, count));
        if (count == 0)
        {
            side.Lose(VshpReason.Reset);
        }
    }

    /// <summary>Says how it ended, and waits a little for the other side to close, so that it is not lost in a reset.</summary>
    public async Task LeaveAsync()
    {
        using CancellationTokenSource limit = new(Farewell);
        await SendAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            await connection.FinishAsync(limit.Token).ConfigureAwait(false);
            while (true)
            {
                await Reading.WaitAsync(limit.Token).ConfigureAwait(false);
                if (TakeCount() == 0)
                {
                    return;
                }
            }
        }
        catch (Exception e) when (e is CulvertException or OperationCanceledException)
        {
            // It is gone already, or has not understood that it is over.
        }
    }

    private int TakeCount()
    {
        int count = _reading!.Result;
        _reading = null;
        return count;
    }

    private async Task<int> ReadAsync()
    {
        try
        {
            return await connection.ReadAsync(_buffer).ConfigureAwait(false);
        }
        catch (CulvertException)
        {
            return 0;
        }
    }
}
