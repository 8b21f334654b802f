using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Exits;

/// <summary>Opens connections to an exit's proxy: directly, or through another exit (<c>--via</c>).</summary>
internal sealed class ProxyDialer : IAsyncDisposable
{
    private readonly DirectExit? _own;

    /// <summary>A dialer for the proxy that <paramref name="uri"/> names.</summary>
    public ProxyDialer(ExitUri uri, ExitOptions options)
    {
        _own = options.Via is null ? new DirectExit(options) : null;
        Via = options.Via ?? _own!;
        Shown = uri.ToString();
        Proxy = new Destination(uri.Host, uri.Port);
    }

    /// <summary>What the proxy is reached through.</summary>
    public IExit Via { get; }

    /// <summary>The exit as people know it.</summary>
    public string Shown { get; }

    /// <summary>Where the proxy is.</summary>
    public Destination Proxy { get; }

    /// <summary>
    /// Connects to the proxy. Whatever stands between is <see cref="FailureKind.ExitUnreachable"/>, to be told apart from what stands between the
    /// proxy and a destination.
    /// </summary>
    public async ValueTask<BufferedConnection> DialAsync(IDialer dialer, CancellationToken cancellation)
    {
        try
        {
            return new BufferedConnection(await Via.ConnectAsync(Proxy, dialer, cancellation));
        }
        catch (CulvertException e) when (e.Kind is not (FailureKind.ExitUnreachable or FailureKind.Authentication or FailureKind.LimitReached))
        {
            throw Unreachable(e);
        }
    }

    /// <summary>The failure of this exit itself because of <paramref name="cause"/>.</summary>
    public CulvertException Unreachable(CulvertException cause) => new(
        FailureKind.ExitUnreachable,
        $"The exit {Shown} cannot be reached: {cause.Message} Check its address, and that it is running.",
        cause);

    /// <summary>The far side answers in a way its protocol does not know.</summary>
    public CulvertException Garbled(string protocol) => new(
        FailureKind.Protocol, $"What answers at {Shown} does not speak {protocol}. Check the scheme and the port of the exit.");

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _own?.DisposeAsync() ?? ValueTask.CompletedTask;
}
