using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core.Packets;
using Culvert.Core.Session;
using Culvert.Flows;

namespace Culvert.Sessions;

/// <summary>
/// One UDP endpoint at the other side of a session. On the answering side it is the device's: what it receives is "from" the destination that the device wants, what it is sent "to" is
/// where the datagram came from. Datagrams that nobody takes are dropped, the oldest first.
/// </summary>
internal sealed class SessionAssociation : SessionFlow, IAssociation
{
    /// <summary>Bytes of blocks that wait to be received at most.</summary>
    public const int MaxWaiting = 256 << 10;

    private const string What = "The UDP association";

    private readonly VshpAssociation _association;
    private readonly Queue<(PacketBuffer? Payload, VshpDestination From)> _received = new();
    private int _waiting; // bytes of blocks in _received
    private VshpDestination _lastWire;
    private Destination _last;
    private long _activity;

    /// <summary>Wraps an association; called under the driver's lock.</summary>
    public SessionAssociation(SessionDriver driver, VshpAssociation association)
        : base(driver, association)
    {
        _association = association;
        _activity = driver.Timestamp;
    }

    /// <summary>When a datagram went either way last, as the driver's clock counts.</summary>
    public long LastActivity => Volatile.Read(ref _activity);

    /// <summary>Ends it, and tells the other side why.</summary>
    public void Release(VshpReason reason)
    {
        using (Driver.Enter())
        {
            _association.Release(reason);
            Released();
        }
    }

    /// <inheritdoc/>
    public ValueTask SendAsync(ReadOnlyMemory<byte> payload, Destination destination, CancellationToken cancellation = default)
    {
        using (Driver.Enter())
        {
            ThrowIfOver();
            _activity = Driver.Timestamp;
            _association.Send(destination.ToWire(), payload.Span); // one that no frame holds cannot be a datagram: dropped
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask RefuseAsync(Destination destination)
    {
        using (Driver.Enter())
        {
            _association.SendUnreachable(destination.ToWire());
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask<ReceivedDatagram> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        using CancellationTokenRegistration registration = Driver.Register(Readable, cancellation);
        while (true)
        {
            ValueTask wait;
            using (Driver.Enter())
            {
                cancellation.ThrowIfCancellationRequested();
                if (TryTake(buffer, out ReceivedDatagram datagram))
                {
                    return datagram;
                }

                ThrowIfOver();
                wait = Readable.WaitAsync();
            }

            await wait;
        }
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        Release(VshpReason.Cancelled);
        return ValueTask.CompletedTask;
    }

    /// <summary>A datagram came; takes the block over. Called under the driver's lock.</summary>
    internal void Deliver(in VshpDestination from, PacketBuffer? payload)
    {
        if (from.Kind == DestinationKind.Path)
        {
            payload?.Release();
            return;
        }

        _activity = Driver.Timestamp;
        _received.Enqueue((payload, from));
        Count(Cost(payload));
        while (_waiting > MaxWaiting || (Driver.DatagramsWaiting > SessionDriver.MaxDatagramsWaiting && _received.Count > 0))
        {
            Dequeue().Payload?.Release();
        }

        Driver.Wake(Readable, elsewhere: false);
    }

    private protected override void Released()
    {
        while (_received.Count > 0)
        {
            Dequeue().Payload?.Release();
        }

        base.Released();
    }

    private protected override void ThrowIfOver()
    {
        if (_association.IsOver)
        {
            throw SessionFailures.Of(_association.CloseReason, What);
        }
    }

    private static int Cost(PacketBuffer? payload) => payload?.Capacity ?? PacketPool.SmallSize;

    private void Count(int bytes)
    {
        _waiting += bytes;
        Driver.DatagramsWaiting += bytes;
    }

    private (PacketBuffer? Payload, VshpDestination From) Dequeue()
    {
        (PacketBuffer? Payload, VshpDestination From) next = _received.Dequeue();
        Count(-Cost(next.Payload));
        return next;
    }

    private bool TryTake(Memory<byte> buffer, out ReceivedDatagram datagram)
    {
        datagram = default;
        if (_received.Count == 0 || buffer.IsEmpty)
        {
            return _received.Count > 0;
        }

        (PacketBuffer? payload, VshpDestination from) = Dequeue();
        int length = Math.Min(payload?.Length ?? 0, buffer.Length);
        payload?.Span[..length].CopyTo(buffer.Span);
        payload?.Release();
        if (from != _lastWire)
        {
            SessionDestinations.TryRead(from, out _last);
            _lastWire = from;
        }

        datagram = new ReceivedDatagram(length, _last, payload is null);
        return true;
    }
}
