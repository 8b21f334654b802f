using System;
using System.Buffers;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Stack;
using Culvert.Flows;

namespace Culvert.Entries.Tun;

/// <summary>
/// One TCP flow between an application behind the link and the exit: an honest connect, then two directions that end on
/// their own. Payload is handed to the exit as slices of the packets it came in, and read from the exit into the blocks
/// that the stack sends from.
/// </summary>
internal sealed class TcpRelay(TunContext context, TcpFlow flow) : TcpTask(context, flow)
{
    private IConnection? _connection;

    protected override async Task RunAsync()
    {
        try
        {
            Destination destination = Context.Names.Restore(Flow.Destination.Address.ToIPAddress(), Flow.Destination.Port);
            _connection = await Context.Exit.ConnectAsync(destination, Cancellation);
        }
        catch (CulvertException e)
        {
            Context.Report(e);
            Refuse(Refusals.ForTcp(e.Kind));
            return;
        }
        catch (OperationCanceledException)
        {
            return;
        }

        Context.ExitWorks();
        try
        {
            if (IsOver)
            {
                return;
            }

            LastActive = LinkLoop.Now;
            Flow.Accept(LastActive);
            await Task.WhenAll(Guard(UploadAsync(_connection)), Guard(DownloadAsync(_connection)));
        }
        finally
        {
            await _connection.DisposeAsync();
        }
    }

    protected override void DropFarSide() => _connection?.Abort();

    private async Task UploadAsync(IConnection connection)
    {
        while (!IsOver)
        {
            ReadOnlySequence<byte> received = Flow.Received;
            if (!received.IsEmpty)
            {
                await connection.WriteAsync(received);
                LastActive = LinkLoop.Now;
                Flow.Consume(received.Length, LastActive);
            }
            else if (Flow.ReceiveFinished)
            {
                await connection.FinishAsync();
                HalfClosed = true;
                return;
            }
            else
            {
                await BytesIn;
            }
        }
    }

    private async Task DownloadAsync(IConnection connection)
    {
        while (!IsOver)
        {
            // Wait before asking for room: an idle flow holds no block.
            await connection.ReadAsync(Memory<byte>.Empty);
            Memory<byte> room = Flow.GetMemory();
            while (room.IsEmpty && !IsOver)
            {
                await RoomOut;
                room = Flow.GetMemory();
            }

            if (IsOver)
            {
                return;
            }

            int count = await connection.ReadAsync(room);
            LastActive = LinkLoop.Now;
            Flow.Advance(count, LastActive);
            if (count == 0)
            {
                Flow.Finish(LastActive);
                HalfClosed = true;
                return;
            }
        }
    }

    // A direction that fails takes the other with it, both ends told by a reset.
    private async Task Guard(Task direction)
    {
        try
        {
            await direction;
        }
        catch (Exception e) when (e is CulvertException or OperationCanceledException)
        {
            Abort();
        }
    }
}
