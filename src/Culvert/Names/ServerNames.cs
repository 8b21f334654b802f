using System;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Dns;
using Culvert.Flows;

namespace Culvert.Names;

/// <summary>
/// <c>--dns ADDRESS</c>: plain DNS to one server through the exit, by UDP where the exit carries it, and over TCP where it does not, where an answer was cut,
/// where UDP brings none, and for clients that came over TCP.
/// </summary>
internal sealed class ServerNames : INameSource
{
    private readonly IExit _exit;
    private readonly NameServiceOptions _options;
    private readonly SharedExchange _datagrams;
    private readonly SharedExchange _streams;
    private volatile bool _datagramsAnswered;
    private volatile bool _datagramsLost;

    public ServerNames(IExit exit, IPEndPoint server, NameServiceOptions options)
    {
        _exit = exit;
        _options = options;
        var destination = new Destination(server.Address, server.Port);
        _datagrams = new SharedExchange(
            async cancellation => new DatagramChannel(await exit.AssociateAsync(cancellation).ConfigureAwait(false), destination),
            options.IdleTimeout);
        _streams = new SharedExchange(
            async cancellation => new StreamChannel(await exit.ConnectAsync(destination, cancellation).ConfigureAwait(false)),
            options.IdleTimeout);
    }

    public async ValueTask<ReadOnlyMemory<byte>> AskAsync(ReadOnlyMemory<byte> query, bool overTcp, CancellationToken cancellation)
    {
        var outward = new OutwardQuery(query);
        bool silent = false;
        if (!overTcp && !_datagramsLost && _exit.Capabilities.HasFlag(ExitCapabilities.Datagrams))
        {
            try
            {
                byte[] answer = await _datagrams.AskAsync(outward, _options.DatagramTries, _options.DatagramTryTimeout, cancellation).ConfigureAwait(false);
                _datagramsAnswered = true;
                if (DnsHeader.TryParse(answer, out DnsHeader header) && !header.IsTruncated)
                {
                    return answer;
                }
            }
            catch (CulvertException e)
            {
                // Whatever it was, TCP shows whether the server can be reached at all; its failure is the one that counts.
                silent = e.Kind == FailureKind.TimedOut;
            }
        }

        byte[] whole = await _streams.AskAsync(outward, 1, _options.QueryTimeout, cancellation).ConfigureAwait(false);

        // Some exits take datagrams and lose them. Once TCP has an answer that UDP never had, clients need not wait for UDP again.
        _datagramsLost |= silent && !_datagramsAnswered;
        return whole;
    }

    public async ValueTask DisposeAsync()
    {
        await _datagrams.DisposeAsync().ConfigureAwait(false);
        await _streams.DisposeAsync().ConfigureAwait(false);
    }
}
