using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Flows;

namespace Culvert.Entries.Tun;

/// <summary>
/// One association at the exit on behalf of a UDP flow, opened by its first datagram.
/// </summary>
/// <param name="context">What the link's flows share.</param>
/// <param name="flow">The application's endpoint.</param>
/// <param name="fake">The fake address all answers appear to come from; default for real addresses, which appear as they are.</param>
internal sealed class UdpPath(TunContext context, UdpFlow flow, IpEndpoint fake)
{
    private readonly CancellationTokenSource _cancellation = new();
    private Task<IAssociation>? _opening;
    private int _waiting;
    private string? _name;

    /// <summary>When a datagram last went either way, in the loop's microseconds.</summary>
    public long LastActive { get; private set; } = LinkLoop.Now;

    /// <summary>It failed or was closed: the next datagram needs another.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Sends one datagram, or drops it where too many wait already.</summary>
    public async void Send(IpEndpoint to, Destination destination, PacketBuffer payload)
    {
        if (_waiting >= context.Options.MaxWaitingDatagrams || context.WaitingBytes + payload.Capacity > context.Options.MaxWaitingBytes)
        {
            payload.Release();
            return;
        }

        _waiting++;
        _name = destination.Name;
        context.UnderWay++;
        context.WaitingBytes += payload.Capacity;
        try
        {
            _opening ??= OpenAsync();
            IAssociation association = _opening.IsCompletedSuccessfully ? _opening.Result : await _opening;
            LastActive = LinkLoop.Now;
            await association.SendAsync(payload.Memory, destination, _cancellation.Token);
        }
        catch (CulvertException e)
        {
            context.Report(e);
            if (!IsOver || _opening is { IsFaulted: true })
            {
                flow.Refuse(to, Refusals.ForDatagram(e.Kind), LinkLoop.Now);
            }
        }
        catch (OperationCanceledException)
        {
        }
        finally
        {
            context.WaitingBytes -= payload.Capacity;
            context.UnderWay--;
            payload.Release();
            _waiting--;
        }
    }

    /// <summary>Gives the association back.</summary>
    public void Close()
    {
        if (!IsOver)
        {
            IsOver = true;
            _cancellation.Cancel();
        }
    }

    private async Task<IAssociation> OpenAsync()
    {
        try
        {
            IAssociation association = await context.Exit.AssociateAsync(_cancellation.Token);
            context.ExitWorks();
            Receive(association);
            return association;
        }
        catch (CulvertException)
        {
            IsOver = true;
            throw;
        }
    }

    private async void Receive(IAssociation association)
    {
        context.UnderWay++;
        try
        {
            while (!IsOver)
            {
                // Wait before asking for a block: an idle association holds none.
                await association.ReceiveAsync(Memory<byte>.Empty, _cancellation.Token);
                PacketBuffer block = context.Pool.Rent(PacketPool.LargeSize);
                try
                {
                    ReceivedDatagram datagram = await association.ReceiveAsync(block.Array, _cancellation.Token);
                    Deliver(datagram, block);
                }
                finally
                {
                    block.Release();
                }
            }
        }
        catch (CulvertException e)
        {
            context.Report(e);
        }
        catch (OperationCanceledException)
        {
        }
        finally
        {
            IsOver = true;
            await association.DisposeAsync();
            context.UnderWay--;
        }
    }

    private void Deliver(ReceivedDatagram datagram, PacketBuffer block)
    {
        LastActive = LinkLoop.Now;
        IpEndpoint from = fake;
        if (from == default)
        {
            if (datagram.From.Address is null)
            {
                return; // the far side says only a name, to an application that sent to an address
            }

            from = new IpEndpoint(IpAddr.From(datagram.From.Address), datagram.From.Port);
        }

        // What comes to a name's association from another port, or from another name, was not asked for: the application could not tell, since it sees the
        // fake address only.
        bool isStranger = fake != default && (datagram.From.Port != fake.Port || (datagram.From.Name is { } name && name != _name));
        if (IsOver || isStranger)
        {
            return;
        }

        if (datagram.Refused)
        {
            flow.Refuse(from, Refusal.Refused, LastActive);
        }
        else
        {
            flow.Send(from, block.Array.AsSpan(0, datagram.Length), LastActive);
        }
    }
}
