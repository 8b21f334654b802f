using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Flows;

namespace Culvert.Entries.Tun;

/// <summary>
/// The datagrams of one UDP endpoint behind the link. Those to addresses share one association at the exit, so that the
/// mapping stays endpoint-independent; each name (a fake address) has one of its own, because the answers to it come from an
/// address that we have never seen and must arrive as coming from the fake one. DNS is answered by the names policy.
/// </summary>
internal sealed class UdpRelay(TunContext context, UdpFlow flow)
{
    private readonly Dictionary<IpEndpoint, UdpPath> _paths = [];
    private readonly CancellationTokenSource _cancellation = new();
    private bool _closed;
    private IpEndpoint _lastEndpoint;
    private Destination _lastDestination;

    /// <summary>Takes the payload of a datagram, or of a run of them.</summary>
    public void Send(IpEndpoint to, PacketBuffer payload, long now)
    {
        if (to.Port == TunContext.DnsPort)
        {
            QueryAll(to, payload);
            return;
        }

        if (to != _lastEndpoint && !TryRestore(to, now))
        {
            payload.Release();
            return;
        }

        IpEndpoint key = _lastDestination.Name is null ? default : to;
        if (!_paths.TryGetValue(key, out UdpPath? path) || path.IsOver)
        {
            if (_paths.Count >= context.Options.MaxAssociations)
            {
                IpEndpoint oldest = _paths.MinBy(static entry => entry.Value.LastActive).Key;
                _paths.Remove(oldest, out UdpPath? pushedOut);
                pushedOut?.Close();
            }

            _paths[key] = path = new UdpPath(context, flow, key);
        }

        path.Send(to, _lastDestination, payload);
    }

    /// <summary>The flow is over, or the entry is ending.</summary>
    public void Close()
    {
        if (_closed)
        {
            return;
        }

        _closed = true;
        _cancellation.Cancel();
        _cancellation.Dispose();
        foreach (UdpPath path in _paths.Values)
        {
            path.Close();
        }

        flow.Close();
        flow.Tag = null;
        context.Ended(this);
    }

    private bool TryRestore(IpEndpoint to, long now)
    {
        try
        {
            _lastDestination = context.Names.Restore(to.Address.ToIPAddress(), to.Port);
            _lastEndpoint = to;
            return true;
        }
        catch (CulvertException e)
        {
            flow.Refuse(to, Refusals.ForDatagram(e.Kind), now);
            return false;
        }
    }

    private void QueryAll(IpEndpoint to, PacketBuffer queries)
    {
        ReadOnlyMemory<byte> left = queries.Memory;
        int size = queries.Offload.SegmentSize != 0 ? queries.Offload.SegmentSize : left.Length;
        do
        {
            ReadOnlyMemory<byte> query = left[..Math.Min(size, left.Length)];
            left = left[query.Length..];
            queries.AddReference();
            Query(to, queries, query);
        }
        while (!left.IsEmpty);
        queries.Release();
    }

    private async void Query(IpEndpoint to, PacketBuffer block, ReadOnlyMemory<byte> query)
    {
        if (context.Queries >= context.Options.MaxQueries)
        {
            block.Release();
            return;
        }

        context.Queries++;
        using TunContext.Lease lease = context.Hold();
        try
        {
            ReadOnlyMemory<byte> answer = await context.Names.AnswerAsync(query, overTcp: false, _cancellation.Token);
            if (!answer.IsEmpty && !_closed)
            {
                flow.Send(to, answer.Span, LinkLoop.Now);
            }
        }
        catch (OperationCanceledException)
        {
        }
        finally
        {
            block.Release();
            context.Queries--;
        }
    }
}
