using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Culvert.Tests.Lab.Peers;

/// <summary>A small HTTP CONNECT proxy, with Basic authentication when a user is given. Names are looked up in the lab's zone.</summary>
public sealed class ConnectProxy(Host host, DnsZone zone, string? user = null, string? password = null)
{
    /// <summary>Starts it on <paramref name="port"/> of its host.</summary>
    public Peer Start(int port) => Peer.Tcp(host, port, ServeAsync);

    private async Task ServeAsync(NetworkStream client, CancellationToken stop)
    {
        List<string> head = await HttpPeer.ReadHeadAsync(client, stop).ConfigureAwait(false);
        string[] request = head.Count > 0 ? head[0].Split(' ') : [];
        if (request.Length < 3 || request[0] != "CONNECT")
        {
            await RefuseAsync(client, "405 Method Not Allowed", stop).ConfigureAwait(false);
            return;
        }

        string expected = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));
        if (user is not null && !head.Any(line => line.StartsWith("Proxy-Authorization:", StringComparison.OrdinalIgnoreCase) && line[20..].Trim() == expected))
        {
            await RefuseAsync(client, "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"lab\"", stop).ConfigureAwait(false);
            return;
        }

        int colon = request[1].LastIndexOf(':');
        string name = request[1][..colon].Trim('[', ']');
        IPAddress? address = IPAddress.TryParse(name, out IPAddress? literal) ? literal : zone.Find(name);
        if (address is null)
        {
            await RefuseAsync(client, "502 Bad Gateway", stop).ConfigureAwait(false);
            return;
        }

        using Socket server = host.NewSocket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await server.ConnectAsync(new IPEndPoint(address, int.Parse(request[1][(colon + 1)..], global::System.Globalization.CultureInfo.InvariantCulture)), stop).ConfigureAwait(false);
        }
        catch (SocketException)
        {
            await RefuseAsync(client, "503 Service Unavailable", stop).ConfigureAwait(false);
            return;
        }

        await client.WriteAsync("HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray(), stop).ConfigureAwait(false);
        using NetworkStream far = new(server);
        await Task.WhenAll(CopyAsync(client, far, stop), CopyAsync(far, client, stop)).ConfigureAwait(false);
    }

    private static async Task CopyAsync(NetworkStream from, NetworkStream to, CancellationToken stop)
    {
        await from.CopyToAsync(to, 256 * 1024, stop).ConfigureAwait(false);
        to.Socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task RefuseAsync(NetworkStream client, string status, CancellationToken stop)
        => await client.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"), stop).ConfigureAwait(false);
}
