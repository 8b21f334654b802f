using System;
using System.Buffers;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Flows;

namespace Culvert.Sessions;

/// <summary>One transport after the other: a reader and a writer each, never more than one write under way.</summary>
internal sealed partial class SessionDriver
{
    /// <summary>How long the last frames of a session may take to go out, and the other side to close.</summary>
    public static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    private const int ReadSize = 64 << 10;

    /// <summary>So little is sent on the thread that has it to say, without a hop: a keystroke, an acknowledgment.</summary>
    private const int LargestBorrowed = 8 << 10;

    /// <summary>And so often in a row.</summary>
    private const int MostBorrowed = 4;

    private readonly SemaphoreSlim _transport = new(1);
    private readonly Wake _writer = new();
    private IConnection? _connection;
    private ReadOnlySequence<byte> _offer; // what the writer is to send, or is sending
    private int _queued; // transports that wait for their turn
    private bool _closing; // the writer is to end
    private bool _byWriter; // this turn is the writer's
    private int _borrowed; // writes for which the writer may keep the thread that woke it; 0: the thread is its own

    /// <summary>
    /// Carries the session over <paramref name="connection"/>, which it takes over, until the transport dies or the session is over. A transport that is carried already gives way to it.
    /// </summary>
    /// <param name="connection">The transport.</param>
    /// <param name="resume">On a gateway: the frame by which the device goes on with this session; null for the transport of its HELLO, and on a device.</param>
    /// <param name="first">What came behind the first frame.</param>
    /// <param name="attached">Told when the session is attached.</param>
    public async Task CarryAsync(IConnection connection, Resume? resume = null, ReadOnlyMemory<byte> first = default, Action? attached = null)
    {
        Interlocked.Increment(ref _queued);
        using (Enter())
        {
            Drop();
        }

        await _transport.WaitAsync().ConfigureAwait(false);
        try
        {
            // A later one waits already: the device has given this one up.
            if (Interlocked.Decrement(ref _queued) > 0 || !TryAttach(connection, resume, first.Span))
            {
                connection.Abort();
                return;
            }

            attached?.Invoke();
            await RunAsync(connection).ConfigureAwait(false);
        }
        finally
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            _transport.Release();
        }
    }

    private bool TryAttach(IConnection connection, Resume? resume, ReadOnlySpan<byte> first)
    {
        using (Enter())
        {
            if (_session.IsOver && (_isDevice || resume is not null))
            {
                return false;
            }

            if (_isDevice)
            {
                _session.Attach(NewTicket(), Now);
            }
            else if (resume is { } frame)
            {
                _session.Reattach(frame, Now);
            }

            _connection = connection;
            _closing = false;
            _session.Receive(first, Now);
            return true;
        }
    }

    private async Task RunAsync(IConnection connection)
    {
        Task reading = ReadAsync(connection);
        Task writing = WriteAsync(connection);
        try
        {
            await (await Task.WhenAny(reading, writing).ConfigureAwait(false)).ConfigureAwait(false);
            if (_session.IsOver)
            {
                // Its last frame goes out, and the transport is closed from both ends, so that nothing of it is lost.
                await writing.WaitAsync(Farewell).ConfigureAwait(false);
                await connection.FinishAsync().AsTask().WaitAsync(Farewell).ConfigureAwait(false);
                await reading.WaitAsync(Farewell).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is CulvertException or TimeoutException)
        {
            // The transport died, or the other side has no time for a farewell. What that means is the session's affair.
        }
        finally
        {
            connection.Abort();
            using (Enter())
            {
                _closing = true;
                Wake(_writer, elsewhere: true);
            }

            await EndAsync(reading).ConfigureAwait(false);
            await EndAsync(writing).ConfigureAwait(false);
            using (Enter())
            {
                _connection = null;
                _offer = default;
                _session.Detach(Now);
            }
        }
    }

    private static async Task EndAsync(Task task)
    {
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (CulvertException)
        {
            // Its transport is gone.
        }
    }

    private async Task ReadAsync(IConnection connection)
    {
        byte[]? buffer = null;
        try
        {
            while (true)
            {
                if (buffer is null)
                {
                    await connection.ReadAsync(Memory<byte>.Empty).ConfigureAwait(false); // an idle session holds no buffer
                    buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
                }

                int count = await connection.ReadAsync(buffer).ConfigureAwait(false);
                if (count == 0)
                {
                    return;
                }

                bool idle;
                using (Enter())
                {
                    _session.Receive(buffer.AsSpan(0, count), Now);
                    idle = count < LargestBorrowed && !_session.AwaitsAnswer;
                }

                if (idle)
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = null;
                }
            }
        }
        finally
        {
            if (buffer is not null)
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    private async Task WriteAsync(IConnection connection)
    {
        while (true)
        {
            ReadOnlySequence<byte> bytes;
            ValueTask wait = default;
            lock (_gate)
            {
                bytes = _offer;
                if (bytes.IsEmpty)
                {
                    if (_closing)
                    {
                        return;
                    }

                    wait = _writer.WaitAsync();
                }
            }

            if (bytes.IsEmpty)
            {
                await wait.ConfigureAwait(false);
                continue;
            }

            if (_borrowed > 0 && (--_borrowed == 0 || bytes.Length > LargestBorrowed))
            {
                _borrowed = 0;
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            }

            await connection.WriteAsync(bytes).ConfigureAwait(false);
            using (Enter())
            {
                _offer = default;
                _session.Transmitted(Now);
                _byWriter = true;
            }
        }
    }

    /// <summary>Gives the writer what is to be sent; false when there is nothing, or it has not sent what it was given before.</summary>
    private bool Offer()
    {
        if (_connection is null || !_offer.IsEmpty)
        {
            return false;
        }

        _offer = _session.Transmit(Now);
        _closing |= _offer.IsEmpty && _session.IsOver;
        if ((!_offer.IsEmpty || _closing) && _writer.IsWaiting)
        {
            bool small = _offer.Length <= LargestBorrowed;
            _borrowed = small ? MostBorrowed : 0;
            Wake(_writer, elsewhere: !small);
        }

        return !_offer.IsEmpty;
    }

    /// <summary>Drops the transport; not here and now, since whoever waits for it might go on within the lock.</summary>
    private void Drop()
    {
        if (_connection is { } dead)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static c => c.Abort(), dead, preferLocal: false);
        }
    }
}
