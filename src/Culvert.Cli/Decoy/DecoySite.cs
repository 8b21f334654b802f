using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Exits;
using Culvert.Flows;

namespace Culvert.Cli.Decoy;

/// <summary>
/// The web server that strangers meet on the TLS port of a gateway: files of a directory, a plain page, or another web server that they are passed on to. Our own is started when the first of them comes.
/// </summary>
internal sealed class DecoySite : IAsyncDisposable
{
    private readonly IExit _direct = ExitFactory.Create(ExitUri.Direct);
    private readonly Destination? _other;
    private readonly Lazy<Task<WebServer>> _own;

    private DecoySite(string? directory, Destination? other)
    {
        _other = other;
        _own = new Lazy<Task<WebServer>>(() => WebServer.StartAsync(directory));
    }

    /// <summary>Reads the value of <c>--decoy</c>.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Usage"/> or <see cref="FailureKind.Configuration"/>: what to write instead.</exception>
    public static DecoySite Parse(string? text)
    {
        if (text is null)
        {
            return new DecoySite(null, null);
        }

        if (!text.Contains("://", StringComparison.Ordinal))
        {
            return Directory.Exists(text)
                ? new DecoySite(Path.GetFullPath(text), null)
                : throw new CulvertException(FailureKind.Configuration, $"--decoy '{text}': there is no such directory. A web server is written http://host:port.");
        }

        // What is said behind TLS is passed on as it is, so the site is reached in the clear, and its path is the visitor's affair.
        return Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttp && uri.PathAndQuery == "/" && uri.UserInfo.Length == 0
            ? new DecoySite(null, new Destination(uri.IdnHost, uri.Port))
            : throw new CulvertException(FailureKind.Usage, $"--decoy '{text}': a web server that strangers are passed on to is written http://host:port, without a path.");
    }

    /// <summary>Opens a connection to it.</summary>
    /// <exception cref="CulvertException">It is not there.</exception>
    public async ValueTask<IConnection> OpenAsync(CancellationToken cancellation) => _other is { } other
        ? await _direct.ConnectAsync(other, cancellation)
        : await _direct.ConnectUnixAsync((await _own.Value.WaitAsync(cancellation)).Socket, cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_own.IsValueCreated)
        {
            await (await _own.Value).DisposeAsync();
        }

        await _direct.DisposeAsync();
    }
}
