using System;
using System.Net.Sockets;
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
    private int _waiting; // on the portable way; the pump counts its own
    private UdpPump? _pump;
    private string? _name;

    /// <summary>When a datagram last went either way, in the loop's microseconds.</summary>
    public long LastActive { get; private set; } = LinkLoop.Now;

    /// <summary>It failed or was closed: the next datagram needs another.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Sends a datagram, or a run of them, or drops it where too many wait already; ownership of <paramref name="payload"/> moves here.</summary>
    public void Send(IpEndpoint to, Destination destination, PacketBuffer payload)
    {
        if (_waiting + (_pump?.WaitingCount ?? 0) >= context.Options.MaxWaitingDatagrams || context.WaitingBytes + payload.Capacity > context.Options.MaxWaitingBytes)
        {
            payload.Release();
            return;
        }

        _name = destination.Name;
        if (_pump is not null)
        {
            _pump.Send(to, destination, payload);
        }
        else
        {
            SendPortably(to, destination, payload, payload.Memory, payload.Offload.SegmentSize != 0 ? payload.Offload.SegmentSize : payload.Length);
        }
    }

    /// <summary>
    /// Sends <paramref name="bytes"/>, which are datagrams of <paramref name="size"/> bytes in <paramref name="payload"/> (the last may be shorter), by the association's own way of
    /// sending. Ownership of a reference moves here.
    /// </summary>
    public async void SendPortably(IpEndpoint to, Destination destination, PacketBuffer payload, ReadOnlyMemory<byte> bytes, int size)
    {
        _waiting++;
        using TunContext.Lease lease = context.Hold();
        context.WaitingBytes += payload.Capacity;
        try
        {
            _opening ??= OpenAsync();
            IAssociation association = _opening.IsCompletedSuccessfully ? _opening.Result : await _opening;
            do
            {
                LastActive = LinkLoop.Now;
                ReadOnlyMemory<byte> datagram = bytes[..Math.Min(size, bytes.Length)];
                bytes = bytes[datagram.Length..];
                await association.SendAsync(datagram, destination, _cancellation.Token);
            }
            while (!bytes.IsEmpty);
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
            payload.Release();
            _waiting--;
        }
    }

    /// <summary>A datagram went.</summary>
    public void Touch() => LastActive = LinkLoop.Now;

    /// <summary>Hands a datagram that came on to the application, unless it is a stranger's.</summary>
    public void Deliver(in DatagramSource source, ReadOnlySpan<byte> payload)
    {
        if (TryShow(source, out IpEndpoint from))
        {
            flow.Send(from, payload, LastActive);
        }
    }

    /// <summary>The same for a run of datagrams of <paramref name="size"/> bytes; ownership of <paramref name="run"/> moves here.</summary>
    public void Deliver(in DatagramSource source, PacketBuffer run, int size)
    {
        if (TryShow(source, out IpEndpoint from))
        {
            flow.Send(from, run, size, LastActive);
        }
        else
        {
            run.Release();
        }
    }

    /// <summary>Tells the application what became of a datagram of its own.</summary>
    public void Refuse(in DatagramSource destination, FailureKind kind)
    {
        if (TryShow(destination, out IpEndpoint shown))
        {
            flow.Refuse(shown, Refusals.ForDatagram(kind), LastActive);
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
            if (context.Sockets is not null && association is ISocketAssociation plain && plain.Detach() is { } socket)
            {
                Drive(plain, socket);
            }
            else
            {
                Receive(association);
            }

            return association;
        }
        catch (CulvertException)
        {
            IsOver = true;
            throw;
        }
    }

    private async void Drive(ISocketAssociation association, Socket socket)
    {
        using TunContext.Lease lease = context.Hold();
        try
        {
            using UdpPump pump = new(context, this, association, socket);
            _pump = pump;
            await association.Over.WaitAsync(_cancellation.Token);
        }
        catch (CulvertException e)
        {
            context.Report(e); // out of descriptors, mostly
        }
        catch (OperationCanceledException)
        {
        }
        finally
        {
            IsOver = true;
            _pump = null;
            await association.DisposeAsync();
        }
    }

    private async void Receive(IAssociation association)
    {
        using TunContext.Lease lease = context.Hold();
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
        }
    }

    private void Deliver(ReceivedDatagram datagram, PacketBuffer block)
    {
        DatagramSource source = new(
            new IpEndpoint(datagram.From.Address is { } address ? IpAddr.From(address) : default, datagram.From.Port), datagram.From.Name, Head: 0);
        if (datagram.Refused)
        {
            Refuse(source, FailureKind.Refused);
        }
        else
        {
            Deliver(source, block.Array.AsSpan(0, datagram.Length));
        }
    }

    // Whom the application shall see as the other end. False when it did not ask for it, or could not tell who it is.
    private bool TryShow(in DatagramSource source, out IpEndpoint shown)
    {
        Touch();
        shown = fake != default ? fake : source.From;
        if (fake == default)
        {
            // Where the far side says only a name, to an application that sent to an address, there is nothing to show.
            return !IsOver && source.From.Address != default;
        }

        // What comes to a name's association from another port, or from another name, was not asked for: the application could not tell, since it sees the
        // fake address only.
        return !IsOver && source.From.Port == fake.Port && (source.Name is null || source.Name == _name);
    }
}
