using System;
using System.Threading;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Flows;

namespace Culvert.Entries.Tun;

/// <summary>Pings from behind the link, each sent through the exit and answered when its answer came back.</summary>
internal sealed class EchoRelay(TunContext context)
{
    // Type, code, checksum, identifier, sequence number (RFC 792, RFC 4443 section 4.1).
    private const int IcmpEchoHeader = 8;

    private int _underWay;

    /// <summary>Takes the request's packet, and answers or drops it in time.</summary>
    public async void Begin(PacketBuffer request)
    {
        if (_underWay >= context.Options.MaxEchoes || !IpHeader.TryParse(request.Span, out IpHeader ip))
        {
            request.Release();
            return;
        }

        _underWay++;
        using TunContext.Lease lease = context.Hold();
        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(context.Ending);
        timeout.CancelAfter(context.Options.EchoTimeout);
        try
        {
            Destination destination = context.Names.Restore(ip.Destination.ToIPAddress(), 0);
            ReadOnlyMemory<byte> payload = request.Memory[(ip.HeaderLength + IcmpEchoHeader)..ip.TotalLength];
            await context.Exit.EchoAsync(destination, payload, timeout.Token);
            context.Stack.ReplyEcho(request, LinkLoop.Now);
        }
        catch (CulvertException e)
        {
            context.Report(e);
            context.Stack.RefuseEcho(request, Refusals.ForEcho(e.Kind), LinkLoop.Now);
        }
        catch (OperationCanceledException)
        {
            request.Release();
        }
        finally
        {
            _underWay--;
        }
    }
}
