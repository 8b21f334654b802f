using System;
using System.Buffers;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Stack;
using Culvert.Flows;
using Culvert.Platform.Links;

namespace Culvert.Entries.Tun;

/// <summary>
/// One TCP flow between an application behind the link and the exit: an honest connect, then two directions that end on
/// their own. Payload is handed to the exit as slices of the packets it came in, and read from the exit into the blocks
/// that the stack sends from.
/// </summary>
internal sealed class TcpRelay(TunContext context, TcpFlow flow) : TcpTask(context, flow)
{
    private IConnection? _connection;
    private SocketPump? _pump;

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
            if (Context.Sockets is not null && _connection is SocketConnection socket)
            {
                await PumpAsync(socket);
            }
            else
            {
                await Task.WhenAll(Guard(UploadAsync(_connection)), Guard(DownloadAsync(_connection)));
            }
        }
        finally
        {
            await _connection.DisposeAsync();
        }
    }

    public override void Readable()
    {
        if (_pump is null)
        {
            base.Readable();
        }
        else
        {
            _pump.Upload();
        }
    }

    public override void Writable()
    {
        if (_pump is null)
        {
            base.Writable();
        }
        else
        {
            _pump.Download();
        }
    }

    public override bool IsIdle(long now)
    {
        if (_pump is not null)
        {
            LastActive = _pump.LastActive;
            HalfClosed = _pump.IsHalfClosed;
        }

        return base.IsIdle(now);
    }

    protected override void DropFarSide()
    {
        if (_pump is null)
        {
            _connection?.Abort();
        }
        else
        {
            _pump.Abort();
        }
    }

    private async Task PumpAsync(SocketConnection connection)
    {
        try
        {
            using SocketPump pump = new(Context, Flow, new LinkSocket(connection.Detach()));
            _pump = pump;
            pump.Start();
            await pump.Over;
            if (pump.HasFailed)
            {
                Flow.AbortWhenDelivered(LinkLoop.Now);
            }
        }
        catch (CulvertException)
        {
            // Out of descriptors, mostly: this flow ends, the others go on.
            Flow.Abort(LinkLoop.Now);
        }
    }

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

    // A direction that fails takes the other with it, both ends told by a reset, behind what was sent before.
    private async Task Guard(Task direction)
    {
        try
        {
            await direction;
        }
        catch (Exception e) when (e is CulvertException or OperationCanceledException)
        {
            AbortWhenDelivered();
        }
        catch
        {
            Abort(); // a defect; the other direction must not wait for it to be told
            throw;
        }
    }
}
