using System;
using System.Buffers;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Proxy;
using Culvert.Flows;

namespace Culvert.Exits;

/// <summary>An HTTP proxy as the exit, by CONNECT (RFC 9110 section 9.3.6) with Basic credentials (RFC 7617). TCP only; names go to the proxy as names.</summary>
internal sealed class HttpExit : IExit
{
    private readonly ProxyDialer _dialer;
    private readonly ExitOptions _options;
    private readonly SpareConnections _spares;
    private readonly string _credentials;
    private readonly bool _hasUser;

    /// <summary>An exit through the proxy that <paramref name="uri"/> names.</summary>
    public HttpExit(ExitUri uri, ExitOptions options)
    {
        _options = options;
        _dialer = new ProxyDialer(uri, options);
        _spares = new SpareConnections(_dialer.DialAsync, options.MaxSpares, options.Clock);
        _hasUser = uri.UserName is not null;
        _credentials = _hasUser
            ? $"Proxy-Authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{uri.UserName}:{uri.Password}"))}\r\n"
            : "";
    }

    /// <inheritdoc/>
    public string Description => _dialer.Shown;

    /// <inheritdoc/>
    public ExitCapabilities Capabilities => ExitCapabilities.None;

    /// <summary>
    /// Asks by OPTIONS * (RFC 9110 section 9.3.7), which names no destination: any answer but 407 will do, as many proxies know CONNECT and GET only.
    /// </summary>
    public async ValueTask ProbeAsync(CancellationToken cancellation)
    {
        (BufferedConnection connection, HttpResponseHead head) = await RequestAsync(
            "OPTIONS *", _dialer.Proxy.ToString(), $"The handshake with {Description}", _options.HandshakeTimeout, FailureKind.ExitUnreachable, null, cancellation).ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
        if (head.Status == 407)
        {
            throw Refused(head, "");
        }
    }

    /// <inheritdoc/>
    public ValueTask<IConnection> ConnectAsync(Destination destination, CancellationToken cancellation) =>
        ConnectAsync(destination, SocketDialer.Instance, cancellation);

    /// <inheritdoc/>
    public async ValueTask<IConnection> ConnectAsync(Destination destination, IDialer dialer, CancellationToken cancellation)
    {
        string what = $"The connection to {destination}";
        string authority = destination.ToString();
        if (!HttpAuthority.TryParse(authority, 0, out _, out _))
        {
            throw new CulvertException(FailureKind.NameNotFound, $"{what} failed: its name cannot be written in an HTTP request.");
        }

        (BufferedConnection connection, HttpResponseHead head) = await RequestAsync(
            $"CONNECT {authority}", authority, what, _options.ConnectTimeout, FailureKind.TimedOut, dialer, cancellation);
        if (head.Status is >= 200 and < 300)
        {
            return connection.Unwrap();
        }

        await connection.DisposeAsync();
        throw Refused(head, what);
    }

    /// <summary>CONNECT knows no datagrams.</summary>
    public ValueTask<IAssociation> AssociateAsync(CancellationToken cancellation) =>
        ValueTask.FromException<IAssociation>(new CulvertException(FailureKind.NotCarried, $"{Description} does not carry UDP."));

    /// <summary>Nor pings.</summary>
    public ValueTask<ReadOnlyMemory<byte>> EchoAsync(Destination destination, ReadOnlyMemory<byte> payload, CancellationToken cancellation) =>
        ValueTask.FromException<ReadOnlyMemory<byte>>(new CulvertException(FailureKind.NotCarried, $"{Description} carries no ping."));

    /// <summary>Nor raw DNS messages.</summary>
    public ValueTask<ReadOnlyMemory<byte>> ResolveAsync(ReadOnlyMemory<byte> query, CancellationToken cancellation) =>
        ValueTask.FromException<ReadOnlyMemory<byte>>(new CulvertException(FailureKind.NotCarried, $"{Description} answers no raw DNS messages."));

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _spares.Dispose();
        return _dialer.DisposeAsync();
    }

    private CulvertException Refused(HttpResponseHead head, string what)
    {
        FailureKind kind = HttpStatuses.ToFailure(head);
        return new CulvertException(kind, (kind, _hasUser) switch
        {
            (FailureKind.Authentication, true) => $"The exit {Description} does not accept this user name and password. Check them.",
            (FailureKind.Authentication, false) => $"The exit {Description} wants a user name and password. Write them as http://user:password@host:port.",
            // The words go to a terminal: bytes that may steer one (C1 controls) are legal in them, and left out.
            _ => $"{what} failed: {Description} says {head.Status} {string.Concat(head.Reason.Where(static c => !char.IsControl(c)))}.",
        });
    }

    // Without a dialer, on a fresh connection.
    private ValueTask<(BufferedConnection Connection, HttpResponseHead Head)> RequestAsync(
        string line, string host, string what, TimeSpan limit, FailureKind late, IDialer? dialer, CancellationToken cancellation)
    {
        byte[] request = Encoding.Latin1.GetBytes($"{line} HTTP/1.1\r\nHost: {host}\r\n{_credentials}\r\n");

        ValueTask<HttpResponseHead> AskAsync(BufferedConnection connection, CancellationToken token) => Deadline.RunAsync(
            limit, what, limited => this.AskAsync(connection, request, limited), token, late);

        return dialer is null
            ? _spares.AskFreshAsync(SocketDialer.Instance, AskAsync, cancellation)
            : _spares.AskAsync(dialer, AskAsync, cancellation);
    }

    private async ValueTask<HttpResponseHead> AskAsync(BufferedConnection connection, byte[] request, CancellationToken cancellation)
    {
        try
        {
            await connection.WriteAsync(new ReadOnlySequence<byte>(request), cancellation);
            while (true)
            {
                ParseStatus status = HttpResponseHead.TryParse(connection.Buffered.Span, out HttpResponseHead? head, out int consumed);
                if (status == ParseStatus.Done)
                {
                    connection.Consume(consumed);
                    if (head!.Status is >= 200 or 101)
                    {
                        return head;
                    }
                }
                else if (status != ParseStatus.NeedMore || !await connection.FillAsync(HttpFields.MaxHead, cancellation))
                {
                    throw _dialer.Garbled("HTTP");
                }
            }
        }
        catch (CulvertException e) when (e.Kind == FailureKind.Reset)
        {
            throw _dialer.Unreachable(e);
        }
    }
}
