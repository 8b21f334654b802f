using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Proxy;
using Culvert.Flows;

namespace Culvert.Entries;

/// <summary>
/// Carries requests in absolute form to their origins and the answers back, body bytes unchanged. The last origin's connection is kept for the next
/// request to the same one, if that may be repeated in case the connection was just being closed (RFC 9112 section 9.5). A request on which no byte
/// moves for the relays' idle time-out fails.
/// </summary>
internal sealed class HttpForwarder : IAsyncDisposable
{
    private readonly BufferedConnection _client;
    private readonly IExit _exit;
    private readonly EntryLimits _limits;
    private BufferedConnection? _origin;
    private Destination _originAt;

    // What becomes of the client's connection.
    private enum After
    {
        Reset,
        Farewell,
        Again,
    }

    /// <summary>A forwarder for one client, whose connection stays the caller's.</summary>
    public HttpForwarder(BufferedConnection client, IExit exit, EntryLimits limits)
    {
        _client = client;
        _exit = exit;
        _limits = limits;
    }

    /// <summary>
    /// Carries one request. <paramref name="sending"/> is called before the first byte of an answer goes to the client: failures until then can still be
    /// told. True when another request may follow.
    /// </summary>
    public async ValueTask<bool> ForwardAsync(
        HttpRequestHead request, Destination destination, string authority, string originForm, Action sending, CancellationToken cancellation)
    {
        bool repeatable = request.Body.Kind == HttpBodyKind.None && request.Method is "GET" or "HEAD" or "OPTIONS" && !request.Upgrades;
        bool keep = request.KeepsAlive;
        bool upgrades = request.Upgrades;
        byte[] head = request.ToOrigin(authority, originForm);
        bool reused = await OpenAsync(destination, repeatable, cancellation).ConfigureAwait(false);
        BufferedConnection origin = _origin!;
        Task upload = Task.CompletedTask;
        using CancellationTokenSource idle = new(_limits.Relay.IdleTimeout, _limits.Relay.Clock);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, idle.Token);
        void Progress() => idle.CancelAfter(_limits.Relay.IdleTimeout);
        After after = After.Reset;
        try
        {
            HttpResponseHead response;
            try
            {
                await origin.WriteAsync(new(head), stop.Token).ConfigureAwait(false);
                upload = HttpBodies.PumpAsync(_client, origin, request.Body, Progress, stop.Token);
                response = await ReadHeadAsync(origin, Progress, stop.Token).ConfigureAwait(false);
            }
            catch (CulvertException) when (reused)
            {
                // It was being closed while we asked; nothing of an answer came.
                await CloseOriginAsync().ConfigureAwait(false);
                await OpenAsync(destination, false, cancellation).ConfigureAwait(false);
                origin = _origin!;
                Progress();
                await origin.WriteAsync(new(head), stop.Token).ConfigureAwait(false);
                response = await ReadHeadAsync(origin, Progress, stop.Token).ConfigureAwait(false);
            }

            after = await AnswerAsync(request.Method, keep, upgrades, response, sending, upload, idle, stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (idle.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new CulvertException(FailureKind.TimedOut, "The server did not answer in time.", e);
        }
        finally
        {
            // An origin that answered before it had the whole request: the rest has nowhere to go, and the client's next bytes would be that rest.
            await stop.CancelAsync().ConfigureAwait(false);
            if (after != After.Again)
            {
                await CloseOriginAsync().ConfigureAwait(false);
            }

            await upload.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (after == After.Farewell)
        {
            await Farewell.CloseAsync(_client, cancellation).ConfigureAwait(false);
        }

        return after == After.Again;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => CloseOriginAsync();

    private async ValueTask<After> AnswerAsync(
        string method,
        bool keep,
        bool upgrades,
        HttpResponseHead response,
        Action sending,
        Task upload,
        CancellationTokenSource idle,
        CancellationToken cancellation)
    {
        BufferedConnection origin = _origin!;
        void Progress() => idle.CancelAfter(_limits.Relay.IdleTimeout);
        while (response.Status is >= 100 and < 200 and not 101)
        {
            sending();
            await _client.WriteAsync(new(response.ToClient(true)), cancellation).ConfigureAwait(false);
            response = await ReadHeadAsync(origin, Progress, cancellation).ConfigureAwait(false);
        }

        // The tunnel takes over both connections. What the upload still sends, or another request behind this one, is not for it (RFC 9110 section 7.8).
        bool upgraded = response.Status == 101;
        if (upgraded && !(upgrades && upload.IsCompletedSuccessfully))
        {
            throw new CulvertException(FailureKind.Protocol, "The server changes the protocol without having been asked, or before it had the whole request.");
        }

        if (!response.TryGetBody(method, out HttpBody body))
        {
            throw new CulvertException(FailureKind.Protocol, "The server's answer does not say for sure where it ends.");
        }

        bool kept = response.KeepsAlive && body.Kind != HttpBodyKind.UntilClose;
        keep = keep && body.Kind != HttpBodyKind.UntilClose && upload.IsCompletedSuccessfully;
        sending();
        await _client.WriteAsync(new(response.ToClient(keep)), cancellation).ConfigureAwait(false);
        if (upgraded)
        {
            _origin = null;
            idle.CancelAfter(Timeout.InfiniteTimeSpan); // the relay has its own
            await Relay.RunAsync(_client.Unwrap(), origin.Unwrap(), _limits.Relay, cancellation).ConfigureAwait(false);
            return After.Reset; // both are closed already
        }

        await HttpBodies.PumpAsync(origin, _client, body, Progress, cancellation).ConfigureAwait(false);
        if (!kept || !origin.Buffered.IsEmpty)
        {
            await CloseOriginAsync().ConfigureAwait(false);
        }

        return keep ? After.Again : After.Farewell;
    }

    private static async ValueTask<HttpResponseHead> ReadHeadAsync(BufferedConnection origin, Action progress, CancellationToken cancellation)
    {
        while (true)
        {
            ParseStatus status = HttpResponseHead.TryParse(origin.Buffered.Span, out HttpResponseHead? head, out int consumed);
            if (status == ParseStatus.Done)
            {
                origin.Consume(consumed);
                return head!;
            }

            if (status != ParseStatus.NeedMore)
            {
                throw new CulvertException(FailureKind.Protocol, "The server's answer is not HTTP/1.");
            }

            if (!await origin.FillAsync(HttpFields.MaxHead, cancellation).ConfigureAwait(false))
            {
                throw new CulvertException(FailureKind.Reset, "The server closed the connection without an answer.");
            }

            progress();
        }
    }

    // Whether the connection is one that was used before.
    private async ValueTask<bool> OpenAsync(Destination destination, bool reuse, CancellationToken cancellation)
    {
        if (_origin is not null && reuse && _originAt == destination)
        {
            return true;
        }

        await CloseOriginAsync().ConfigureAwait(false);
        _origin = new BufferedConnection(await _exit.ConnectAsync(destination, cancellation).ConfigureAwait(false));
        _originAt = destination;
        return false;
    }

    private async ValueTask CloseOriginAsync()
    {
        if (_origin is { } origin)
        {
            _origin = null;
            await origin.DisposeAsync().ConfigureAwait(false);
        }
    }
}
