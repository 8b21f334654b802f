using System.Threading;
using System.Threading.Tasks;
using Culvert.Flows;

namespace Culvert.Transports;

/// <summary>A Unix socket, by an exit that has them: the direct one, for a gateway on this machine.</summary>
internal sealed class UnixTransport(IExit by, string path) : ITransport
{
    /// <inheritdoc/>
    public string Description => $"unix:{path}";

    /// <inheritdoc/>
    public ValueTask<IConnection> OpenAsync(CancellationToken cancellation) => by.ConnectUnixAsync(path, cancellation);
}
