using System.Threading;
using System.Threading.Tasks;
using Culvert.Flows;

namespace Culvert.Transports;

/// <summary>TCP to the far side, by an exit: the direct one, or the proxy of <c>--via</c>. The exit stays its maker's.</summary>
internal sealed class TcpTransport(IExit by, Destination far) : ITransport
{
    /// <inheritdoc/>
    public string Description => $"tcp://{far}";

    /// <inheritdoc/>
    public async ValueTask<IConnection> OpenAsync(CancellationToken cancellation)
    {
        IConnection connection = await by.ConnectAsync(far, cancellation).ConfigureAwait(false);
        ShortQueue.Keep(connection);
        return connection;
    }
}
