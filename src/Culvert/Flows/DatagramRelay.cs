using System;
using System.Buffers;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;

namespace Culvert.Flows;

/// <summary>
/// Carries datagrams between two associations until one of them ends. On the application's side a received datagram is "from" the destination it
/// wants, and one sent is "to" the source it came from.
/// </summary>
internal sealed class DatagramRelay
{
    /// <summary>Sends that wait (for a name, say) at most, each way; datagrams beyond are dropped.</summary>
    public const int MaxWaiting = 64;

    private readonly IAssociation _application;
    private readonly IAssociation _exit;

    private DatagramRelay(IAssociation application, IAssociation exit)
    {
        _application = application;
        _exit = exit;
    }

    /// <summary>Relays until one side ends or <paramref name="cancellation"/> comes; disposes of both.</summary>
    public static async Task RunAsync(IAssociation application, IAssociation exit, CancellationToken cancellation = default)
    {
        DatagramRelay relay = new(application, exit);
        using (cancellation.UnsafeRegister(static r => _ = ((DatagramRelay)r!).CloseAsync(), relay))
        {
            await Task.WhenAll(relay.PumpAsync(application, exit), relay.PumpAsync(exit, application)).ConfigureAwait(false);
        }
    }

    private async Task PumpAsync(IAssociation from, IAssociation to)
    {
        Waiting waiting = new();
        byte[]? buffer = null;
        try
        {
            while (true)
            {
                if (buffer is null)
                {
                    await from.ReceiveAsync(Memory<byte>.Empty).ConfigureAwait(false);
                    buffer = ArrayPool<byte>.Shared.Rent(ushort.MaxValue);
                }

                ValueTask<ReceivedDatagram> receive = from.ReceiveAsync(buffer);
                ReceivedDatagram datagram = await receive.ConfigureAwait(false);
                if (datagram.Refused)
                {
                    await to.RefuseAsync(datagram.From).ConfigureAwait(false);
                    continue;
                }

                if (Volatile.Read(ref waiting.Count) >= MaxWaiting)
                {
                    continue;
                }

                // A send that has to wait keeps its bytes, and the others go on. What it keeps is near their size: it may be long (until a name is known).
                byte[] kept = ArrayPool<byte>.Shared.Rent(datagram.Length);
                buffer.AsSpan(0, datagram.Length).CopyTo(kept);
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = null;
                Task send = SendAsync(from, to, kept, datagram, waiting);
                if (send.IsFaulted)
                {
                    await send.ConfigureAwait(false);
                }
            }
        }
        catch (CulvertException)
        {
            // The association's end is the relay's.
        }
        finally
        {
            if (buffer is not null)
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }

            await CloseAsync().ConfigureAwait(false);
        }
    }

    private static async Task SendAsync(IAssociation from, IAssociation to, byte[] buffer, ReceivedDatagram datagram, Waiting waiting)
    {
        Interlocked.Increment(ref waiting.Count);
        try
        {
            await to.SendAsync(buffer.AsMemory(0, datagram.Length), datagram.From).ConfigureAwait(false);
        }
        catch (CulvertException)
        {
            // Refused for good; the association itself goes on or ends by its receive.
            await from.RefuseAsync(datagram.From).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref waiting.Count);
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task CloseAsync()
    {
        await _application.DisposeAsync().ConfigureAwait(false);
        await _exit.DisposeAsync().ConfigureAwait(false);
    }

    private sealed class Waiting
    {
        public int Count;
    }
}
