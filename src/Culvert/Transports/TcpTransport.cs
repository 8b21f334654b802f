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
    public ValueTask<IConnection> OpenAsync(CancellationToken cancellation) => by.ConnectAsync(far, cancellation);
}
