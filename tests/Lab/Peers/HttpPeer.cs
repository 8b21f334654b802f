using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Culvert.Tests.Lab.Peers;

/// <summary>
/// A small HTTP/1.1 server: <c>GET /payload</c> sends the gibibyte, <c>PUT /digest</c> answers with length and SHA-256 of the body, <c>GET /who</c> with
/// the client's address, <c>POST /dns-query</c> is DoH (RFC 8484) for a TLS server in front, everything else is answered with a line.
/// </summary>
public sealed class HttpPeer(DnsZone zone)
{
    private const int HeadLimit = 65536;

    /// <summary>Serves one connection, request after request.</summary>
    public async Task ServeAsync(NetworkStream stream, CancellationToken stop)
    {
        BufferedStream input = new(stream, 65536);
        while (await ReadHeadAsync(input, stop).ConfigureAwait(false) is { Count: > 0 } head)
        {
            string[] request = head[0].Split(' ');
            Dictionary<string, string> fields = head.Skip(1).Select(line => line.Split(':', 2)).ToDictionary(field => field[0].Trim(), field => field[1].Trim(), StringComparer.OrdinalIgnoreCase);
            long length = fields.TryGetValue("Content-Length", out string? text) ? long.Parse(text, CultureInfo.InvariantCulture) : 0;
            if (fields.ContainsKey("Expect"))
            {
                await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), stop).ConfigureAwait(false);
            }

            switch (request[0], request[1])
            {
                case ("GET", "/payload"):
                    await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {Payload.Length}\r\n\r\n"), stop).ConfigureAwait(false);
                    await Payload.SendAsync(stream, stop).ConfigureAwait(false);
                    break;
                case ("PUT", "/digest"):
                    (long count, string digest) = await Payload.DigestAsync(input, length, stop).ConfigureAwait(false);
                    await AnswerAsync(stream, "text/plain", Encoding.ASCII.GetBytes($"{count} {digest}\n"), stop).ConfigureAwait(false);
                    break;
                case ("POST", "/dns-query"):
                    byte[] query = new byte[length];
                    await input.ReadExactlyAsync(query, stop).ConfigureAwait(false);
                    await AnswerAsync(stream, "application/dns-message", zone.Answer(query, stream: true) ?? [], stop).ConfigureAwait(false);
                    break;
                case ("GET", "/who"):
                    IPAddress who = ((IPEndPoint)stream.Socket.RemoteEndPoint!).Address;
                    await AnswerAsync(stream, "text/plain", Encoding.ASCII.GetBytes($"{(who.IsIPv4MappedToIPv6 ? who.MapToIPv4() : who)}\n"), stop).ConfigureAwait(false);
                    break;
                default:
                    await Payload.DigestAsync(input, length, stop).ConfigureAwait(false);
                    await AnswerAsync(stream, "text/html", Encoding.ASCII.GetBytes($"<html><title>lab</title><body>hello from the lab, host {fields.GetValueOrDefault("Host")}</body></html>\n"), stop).ConfigureAwait(false);
                    break;
            }
        }
    }

    /// <summary>Reads a request's or answer's lines up to the empty one; empty at the end of the stream.</summary>
    internal static async Task<List<string>> ReadHeadAsync(Stream input, CancellationToken stop)
    {
        List<string> lines = [];
        StringBuilder line = new();
        byte[] one = new byte[1];
        for (int count = 0; count < HeadLimit && await input.ReadAsync(one, stop).ConfigureAwait(false) == 1; count++)
        {
            if (one[0] != (byte)'\n')
            {
                line.Append((char)one[0]);
                continue;
            }

            string text = line.ToString().TrimEnd('\r');
            line.Clear();
            if (text.Length == 0)
            {
                return lines;
            }

            lines.Add(text);
        }

        return [];
    }

    private static async Task AnswerAsync(NetworkStream stream, string type, byte[] body, CancellationToken stop)
        => await stream.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\nContent-Length: {body.Length}\r\n\r\n"), .. body], stop).ConfigureAwait(false);
}
