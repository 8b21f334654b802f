using System;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Authentication;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Dns;
using Culvert.Flows;

namespace Culvert.Names;

/// <summary><c>--dns https://…</c>: DNS over HTTPS (RFC 8484) by POST through the exit, which also resolves the server's own name.</summary>
internal sealed class HttpsNames : INameSource
{
    private const string MediaType = "application/dns-message";

    private readonly Uri _url;
    private readonly HttpClient _client;

    /// <summary>Asks <paramref name="url"/>. <paramref name="validate"/> replaces the system's judgement of certificates, for tests.</summary>
    public HttpsNames(IExit exit, Uri url, NameServiceOptions options, RemoteCertificateValidationCallback? validate = null)
    {
        _url = url;
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellation) =>
            {
                var server = new Destination(context.DnsEndPoint.Host, context.DnsEndPoint.Port);
                return new ConnectionStream(await exit.ConnectAsync(server, cancellation).ConfigureAwait(false));
            },

            // Nothing goes there that the query does not need, and nothing goes around the exit.
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = options.QueryTimeout,
            PooledConnectionIdleTimeout = options.IdleTimeout,
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = validate },
        };
        _client = new HttpClient(handler)
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = DnsFraming.MaxMessage,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        _client.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue(MediaType));
    }

    public async ValueTask<ReadOnlyMemory<byte>> AskAsync(ReadOnlyMemory<byte> query, bool overTcp, CancellationToken cancellation)
    {
        // The identifier is 0, so that equal queries are equal requests (RFC 8484 section 4.1); TLS keeps forgers out.
        byte[] message = query.ToArray();
        message[0] = message[1] = 0;
        byte[] answer;
        try
        {
            answer = await PostAsync(message, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw Explain(e);
        }

        if (!DnsQuestion.IsAnswered(message, answer))
        {
            throw new CulvertException(FailureKind.Protocol, $"The DNS server {_url.Host} answered something else than it was asked.");
        }

        query.Span[..2].CopyTo(answer);
        return answer;
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private async ValueTask<byte[]> PostAsync(byte[] message, CancellationToken cancellation)
    {
        using var content = new ByteArrayContent(message);
        content.Headers.ContentType = new MediaTypeHeaderValue(MediaType);
        using HttpResponseMessage response = await _client.PostAsync(_url, content, cancellation).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new CulvertException(FailureKind.Protocol, $"The DNS server {_url.Host} answered with HTTP status {(int)response.StatusCode}; check the URL {_url}.");
        }

        if (response.Content.Headers.ContentType?.MediaType != MediaType)
        {
            throw new CulvertException(FailureKind.Protocol, $"What answers at {_url} does not speak DNS over HTTPS; check the URL.");
        }

        return await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
    }

    private CulvertException Explain(Exception failure)
    {
        for (Exception? cause = failure; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case CulvertException known:
                    return known;
                case AuthenticationException:
                    return new CulvertException(FailureKind.Untrusted, $"The certificate of the DNS server {_url.Host} is not trusted: {cause.Message}", failure);
                case OperationCanceledException:
                    return new CulvertException(FailureKind.TimedOut, $"The DNS server {_url.Host} did not answer in time.", failure);
                default:
                    break;
            }
        }

        return new CulvertException(FailureKind.Protocol, $"DNS over HTTPS with {_url.Host} failed: {failure.Message}", failure);
    }
}
