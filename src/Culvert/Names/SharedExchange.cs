using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;

namespace Culvert.Names;

/// <summary>The one <see cref="Exchange"/> to a server that all queries share: opened by the first of them, and again after it has closed.</summary>
internal sealed class SharedExchange(Func<CancellationToken, ValueTask<IMessageChannel>> open, TimeSpan idle) : IAsyncDisposable
{
    private readonly SemaphoreSlim _opening = new(1);
    private Exchange? _current;
    private bool _disposed;

    /// <summary>
    /// Sends <paramref name="query"/> up to <paramref name="tries"/> times, <paramref name="wait"/> apart, until an answer to it comes. When an exchange opened by an
    /// earlier query turns out to be closed, which servers do to idle ones at any time, a new one is opened once (RFC 7766 section 6.2.4).
    /// </summary>
    /// <exception cref="CulvertException">No way to the server, or no answer in time.</exception>
    public async ValueTask<byte[]> AskAsync(OutwardQuery query, int tries, TimeSpan wait, CancellationToken cancellation)
    {
        bool isNew = false;
        while (!isNew)
        {
            (Exchange exchange, isNew) = await OpenAsync(cancellation).ConfigureAwait(false);
            try
            {
                byte[]? answer = await exchange.AskAsync(query, tries, wait, cancellation).ConfigureAwait(false);
                if (answer is not null)
                {
                    return answer;
                }
            }
            catch (CulvertException e) when (!isNew && e.Kind != FailureKind.TimedOut)
            {
                // An old exchange broke; a new one tells whether the server is there.
            }
        }

        throw new CulvertException(FailureKind.Reset, "The DNS server closed the connection without an answer.");
    }

    public async ValueTask DisposeAsync()
    {
        await _opening.WaitAsync().ConfigureAwait(false);
        _disposed = true;
        Exchange? last = _current;
        _opening.Release();
        if (last is not null)
        {
            await last.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask<(Exchange Exchange, bool IsNew)> OpenAsync(CancellationToken cancellation)
    {
        await _opening.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_current is { IsOpen: true })
            {
                return (_current, false);
            }

            _current = new Exchange(await open(cancellation).ConfigureAwait(false), idle);
            return (_current, true);
        }
        finally
        {
            _opening.Release();
        }
    }
}
