using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Flows;
using Culvert.Names;
using Culvert.Platform.Links;

namespace Culvert.Entries.Tun;

/// <summary>What the flows of one link share, and the list of those alive. Used on the loop's thread only.</summary>
internal sealed class TunContext(IpStack stack, PacketPool pool, ISocketWatcher? sockets, IDialer dialer, IExit exit, NameService names, TunOptions options, ExitTrouble trouble, CancellationToken ending)
{
    /// <summary>DNS in the clear (RFC 1035 section 4.2): whatever the address, we answer.</summary>
    public const ushort DnsPort = 53;

    private readonly Queue<SocketPump> _turns = new();
    private readonly HashSet<TcpTask> _tcp = [];
    private readonly HashSet<UdpRelay> _udp = [];
    private int _underWay;

    public IpStack Stack => stack;

    public PacketPool Pool => pool;

    /// <summary>Drives plain sockets on the loop itself; null where the link cannot, or was told not to.</summary>
    public ISocketWatcher? Sockets => sockets;

    /// <summary>What the flows' UDP sockets share, where the link drives them.</summary>
    public UdpLoop Datagrams { get; } = new(pool);

    /// <summary>Opens the sockets of TCP flows.</summary>
    public IDialer Dialer => dialer;

    /// <summary>Pumps wait for another turn.</summary>
    public bool HasTurns => _turns.Count > 0 || Datagrams.HasTurns;

    public IExit Exit => exit;

    public NameService Names => names;

    public TunOptions Options => options;

    /// <summary>DNS queries over UDP under way.</summary>
    public int Queries { get; set; }

    /// <summary>TCP and UDP flows, and what they have under way, that have not unwound.</summary>
    public int ActiveFlows => _tcp.Count + _udp.Count + _underWay;

    /// <summary>Bytes of datagrams that wait for the exit, over all flows.</summary>
    public int WaitingBytes { get; set; }

    public void Open(TcpFlow flow)
    {
        TcpTask task = flow.Destination.Port == DnsPort ? new DnsOverTcp(this, flow) : new TcpRelay(this, flow);
        flow.Tag = task;
        _tcp.Add(task);
        task.Start();
    }

    public void Datagram(UdpFlow flow, IpEndpoint destination, PacketBuffer payload, long now)
    {
        if (flow.Tag is not UdpRelay relay)
        {
            flow.Tag = relay = new UdpRelay(this, flow);
            _udp.Add(relay);
        }

        relay.Send(destination, payload, now);
    }

    /// <summary>A datagram, query, ping or association is under way, and holds something to be given back, until the lease is disposed of.</summary>
    public Lease Hold()
    {
        _underWay++;
        return new Lease(this);
    }

    /// <summary>Has <paramref name="pump"/> go on when the others have had their turn.</summary>
    public void AskForTurn(SocketPump pump) => _turns.Enqueue(pump);

    public void GiveTurns()
    {
        for (int n = _turns.Count; n > 0; n--)
        {
            _turns.Dequeue().TakeTurn();
        }

        Datagrams.GiveTurns();
    }

    public void Ended(TcpTask task) => _tcp.Remove(task);

    public void Ended(UdpRelay relay) => _udp.Remove(relay);

    /// <summary>Cancelled when the entry ends.</summary>
    public CancellationToken Ending => ending;

    public void AbortAll()
    {
        foreach (TcpTask task in _tcp.ToArray())
        {
            task.Abort();
        }

        foreach (UdpRelay relay in _udp.ToArray())
        {
            relay.Close();
        }
    }

    public void Sweep(long now)
    {
        List<TcpTask>? idle = null;
        foreach (TcpTask task in _tcp)
        {
            if (task.IsIdle(now))
            {
                (idle ??= []).Add(task);
            }
        }

        idle?.ForEach(static task => task.Abort());
    }

    /// <summary>An exit failed to do something.</summary>
    public void Report(CulvertException failure) => trouble.Report(failure);

    /// <summary>The exit works (again).</summary>
    public void ExitWorks() => trouble.Works();

    /// <summary>What <see cref="Hold"/> gives.</summary>
    public readonly struct Lease(TunContext context) : IDisposable
    {
        public void Dispose() => context._underWay--;
    }
}
