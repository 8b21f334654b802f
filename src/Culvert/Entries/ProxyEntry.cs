using System;
using System.Collections.Generic;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Proxy;
using Culvert.Flows;

namespace Culvert.Entries;

/// <summary>SOCKS5 and HTTP proxy on the same ports, told apart by a client's first byte. Names go to the exit as names.</summary>
public sealed class ProxyEntry : IAsyncDisposable
{
    private readonly EntryServer _server;
    private readonly ProxyEntryOptions _options;
    private readonly IExit _exit;

    private ProxyEntry(IExit exit, ProxyEntryOptions options)
    {
        _exit = exit;
        _options = options;
        _server = new EntryServer(options.Limits, options.Warn);
    }

    /// <summary>Where it listens, with the real ports.</summary>
    public IReadOnlyList<EndPoint> Listening => _server.Listening;

    /// <summary>
    /// Listens and serves from now on until disposed of. Fails with Usage when it would be open to others without a password, and with
    /// Configuration or Privilege when an endpoint cannot be listened on. <paramref name="exit"/> stays the caller's.
    /// </summary>
    public static async Task<ProxyEntry> StartAsync(IExit exit, ProxyEntryOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (IPEndPoint endpoint in options.Listen)
        {
            if (options.Credentials is null && !IPAddress.IsLoopback(endpoint.Address))
            {
                throw new CulvertException(
                    FailureKind.Usage,
                    $"Listening on {endpoint} without a password would let others use this machine's exit. Set a user name and password (--auth USER:PASSWORD), or listen on 127.0.0.1.");
            }
        }

        ProxyEntry entry = new(exit, options);
        try
        {
            foreach (IPEndPoint endpoint in options.Listen)
            {
                entry._server.Add(ListenSockets.Tcp(endpoint, options.Limits.Backlog), entry.ServeAsync);
            }

            return entry;
        }
        catch
        {
            await entry.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Stops listening and ends every connection.</summary>
    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task ServeAsync(SocketConnection connection, CancellationToken cancellation)
    {
        BufferedConnection client = new(connection);
        await using (client.ConfigureAwait(false))
        {
            using (CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation))
            {
                limit.CancelAfter(_options.Limits.HandshakeTimeout);
                if (!await client.FillAsync(Socks5.MaxMessage, limit.Token).ConfigureAwait(false))
                {
                    return;
                }
            }

            switch (client.Buffered.Span[0])
            {
                case Socks5.Version:
                    await new SocksServer(connection, client, _exit, _options).RunAsync(cancellation).ConfigureAwait(false);
                    break;
                case Socks5.Version4:
                    // SOCKS4's refusal: version 0, code 91, and six bytes nobody reads.
                    await client.WriteAsync(new([0, 91, 0, 0, 0, 0, 0, 0]), cancellation).ConfigureAwait(false);
                    await Farewell.CloseAsync(client, cancellation).ConfigureAwait(false);
                    break;
                case byte first when char.IsAsciiLetter((char)first):
                    await new HttpServer(client, _exit, _options).RunAsync(cancellation).ConfigureAwait(false);
                    break;
                default:
                    break; // neither: nothing to say that it would understand
            }
        }
    }
}
