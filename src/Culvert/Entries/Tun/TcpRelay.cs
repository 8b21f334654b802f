using System;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Stack;
using Culvert.Flows;

namespace Culvert.Entries.Tun;

/// <summary>
/// One TCP flow between an application behind the link and the exit: an honest connect, then a pump. Payload is handed to the exit as slices of
/// the packets it came in, and read from the exit into the blocks that the stack sends from.
/// </summary>
internal sealed class TcpRelay(TunContext context, TcpFlow flow) : TcpTask(context, flow)
{
    private IFlowPump? _pump;

    public override void Readable() => _pump?.Upload();

    public override void Writable() => _pump?.Download();

    public override bool IsIdle(long now)
    {
        if (_pump is not null)
        {
            LastActive = _pump.LastActive;
            HalfClosed = _pump.IsHalfClosed;
        }

        return base.IsIdle(now);
    }

    protected override async Task RunAsync()
    {
        IConnection connection;
        try
        {
            Destination destination = Context.Names.Restore(Flow.Destination.Address.ToIPAddress(), Flow.Destination.Port);
            connection = await Context.Exit.ConnectAsync(destination, Context.Dialer, Cancellation);
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
        _pump = connection is LoopConnection own ? new SocketPump(Context, Flow, own.Detach()) : new StreamPump(Flow, connection);
        try
        {
            if (!IsOver)
            {
                Flow.Accept(LinkLoop.Now);
                _pump.Start();
                await _pump.Over;
                if (_pump.HasFailed)
                {
                    Flow.AbortWhenDelivered(LinkLoop.Now);
                }
            }
        }
        finally
        {
            _pump.Close();
        }
    }

    protected override void DropFarSide() => _pump?.Abort();
}
