using System;
using System.Globalization;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Proxy;
using Culvert.Flows;

namespace Culvert.Entries;

/// <summary>The HTTP proxy's part on one connection: CONNECT, and requests in absolute form one after the other.</summary>
internal sealed class HttpServer
{
    private readonly BufferedConnection _client;
    private readonly IExit _exit;
    private readonly ProxyEntryOptions _options;

    /// <summary>A client whose first byte has arrived; the connection stays the caller's.</summary>
    public HttpServer(BufferedConnection client, IExit exit, ProxyEntryOptions options)
    {
        _client = client;
        _exit = exit;
        _options = options;
    }

    /// <summary>Serves the client to its end.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        HttpForwarder forwarder = new(_client, _exit, _options.Limits);
        await using (forwarder.ConfigureAwait(false))
        {
            bool keep;
            do
            {
                if (!await WaitAsync(cancellation).ConfigureAwait(false))
                {
                    return; // between two requests: a good end
                }

                (ParseStatus status, HttpRequestHead? head) = await ReadHeadAsync(cancellation).ConfigureAwait(false);
                keep = status switch
                {
                    ParseStatus.Done => await AnswerAsync(head!, forwarder, cancellation).ConfigureAwait(false),
                    ParseStatus.TooLarge => await RefuseAsync(
                        431, "Request Header Fields Too Large", "The request's head is larger than 64 KiB.", "", false, cancellation).ConfigureAwait(false),
                    _ => await RefuseAsync(400, "Bad Request", "The request is malformed.", "", false, cancellation).ConfigureAwait(false),
                };
            }
            while (keep);
        }
    }

    private async ValueTask<bool> WaitAsync(CancellationToken cancellation)
    {
        if (!_client.Buffered.IsEmpty)
        {
            return true;
        }

        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(_options.Limits.KeepAliveTimeout);
        return await _client.FillAsync(HttpFields.MaxHead, limit.Token).ConfigureAwait(false);
    }

    private async ValueTask<(ParseStatus Status, HttpRequestHead? Head)> ReadHeadAsync(CancellationToken cancellation)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(_options.Limits.HandshakeTimeout);
        while (true)
        {
            ParseStatus status = HttpRequestHead.TryParse(_client.Buffered.Span, out HttpRequestHead? head, out int consumed);
            if (status == ParseStatus.Done)
            {
                _client.Consume(consumed);
            }

            if (status != ParseStatus.NeedMore || !await _client.FillAsync(HttpFields.MaxHead, limit.Token).ConfigureAwait(false))
            {
                return (status, head);
            }
        }
    }

    // Whether another request may follow.
    private async ValueTask<bool> AnswerAsync(HttpRequestHead head, HttpForwarder forwarder, CancellationToken cancellation)
    {
        if (_options.Credentials is { } credentials
            && (head.Fields.Count("Proxy-Authorization", out string field) != 1 || !credentials.MatchBasic(field)))
        {
            // Many clients ask again, with the password, on the same connection.
            return await RefuseAsync(
                407,
                "Proxy Authentication Required",
                "This proxy wants a user name and password.",
                "Proxy-Authenticate: Basic realm=\"culvert\", charset=\"UTF-8\"\r\n",
                head.KeepsAlive && head.Body.Kind == HttpBodyKind.None,
                cancellation).ConfigureAwait(false);
        }

        bool sent = false;
        try
        {
            if (head.Method == "CONNECT")
            {
                return await ConnectAsync(head, () => sent = true, cancellation).ConfigureAwait(false);
            }

            if (!head.TryGetAbsoluteTarget(out string host, out ushort port, out string authority, out string originForm))
            {
                return await RefuseAsync(
                    400, "Bad Request", "This is a proxy: it takes CONNECT, and requests for http:// addresses.", "", false, cancellation).ConfigureAwait(false);
            }

            return await forwarder.ForwardAsync(
                head, new Destination(host, port), authority, originForm, () => sent = true, cancellation).ConfigureAwait(false);
        }
        catch (CulvertException e) when (!sent)
        {
            (int status, string reason, string error) = HttpStatuses.From(e.Kind);
            return await RefuseAsync(status, reason, e.Message, $"{HttpStatuses.ProxyStatus}: culvert; error={error}\r\n", false, cancellation)
                .ConfigureAwait(false);
        }
    }

    private async ValueTask<bool> ConnectAsync(HttpRequestHead head, Action sending, CancellationToken cancellation)
    {
        if (!head.TryGetConnectTarget(out string host, out ushort port) || head.Body.Kind != HttpBodyKind.None)
        {
            return await RefuseAsync(400, "Bad Request", "CONNECT takes host:port, and no body.", "", false, cancellation).ConfigureAwait(false);
        }

        IConnection far = await _exit.ConnectAsync(new Destination(host, port), cancellation).ConfigureAwait(false);
        await using (far.ConfigureAwait(false))
        {
            sending();
            await _client.WriteAsync(new("HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray()), cancellation).ConfigureAwait(false);
            await Relay.RunAsync(_client.Unwrap(), far, _options.Limits.Relay, cancellation).ConfigureAwait(false);
            return false;
        }
    }

    private async ValueTask<bool> RefuseAsync(int status, string reason, string text, string fields, bool keep, CancellationToken cancellation)
    {
        byte[] body = Encoding.UTF8.GetBytes(text + "\n");
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 {status} {reason}\r\n{fields}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {body.Length}\r\nConnection: {(keep ? "keep-alive" : "close")}\r\n\r\n");
        await _client.WriteAsync(new((byte[])[.. Encoding.Latin1.GetBytes(head), .. body]), cancellation).ConfigureAwait(false);
        if (!keep)
        {
            await Farewell.CloseAsync(_client, cancellation).ConfigureAwait(false);
        }

        return keep;
    }
}
