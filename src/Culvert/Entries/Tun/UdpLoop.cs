using System;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Platform.Links;

namespace Culvert.Entries.Tun;

/// <summary>
/// What the UDP sockets driven by one link's loop share: the blocks and tables of the calls that move many datagrams, and whose turn it is. What a turn of the
/// loop has brought is sent at its end, so that one call takes all of it.
/// </summary>
internal sealed class UdpLoop(PacketPool pool) : IDisposable
{
    private readonly List<UdpPump> _senders = [];
    private readonly Queue<UdpPump> _turns = new();

    public DatagramReceiver Receiver { get; } = new(pool);

    public DatagramSender Sender { get; } = new();

    /// <summary>Pumps wait for another turn to receive.</summary>
    public bool HasTurns => _turns.Count > 0;

    /// <summary>Has <paramref name="pump"/> send at the end of this turn.</summary>
    public void AskToSend(UdpPump pump) => _senders.Add(pump);

    /// <summary>Has <paramref name="pump"/> go on receiving when the others have had their turn.</summary>
    public void AskForTurn(UdpPump pump) => _turns.Enqueue(pump);

    public void Send()
    {
        foreach (UdpPump pump in _senders)
        {
            pump.SendAll();
        }

        _senders.Clear();
    }

    public void GiveTurns()
    {
        for (int n = _turns.Count; n > 0; n--)
        {
            _turns.Dequeue().TakeTurn();
        }
    }

    /// <summary>Gives the blocks back.</summary>
    public void Dispose() => Receiver.Dispose();
}
