using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Flows;

namespace Culvert.Gateway;

/// <summary>Dials endpoints through an exit, so that the race of several addresses is run over it as over sockets.</summary>
internal sealed class ExitDialer(IExit exit, IDialer inner) : IDialer
{
    /// <inheritdoc/>
    public ValueTask<IConnection> DialAsync(IPEndPoint endpoint, OutgoingInterface? outgoing, string what, CancellationToken cancellation) =>
        exit.ConnectAsync(new Destination(endpoint.Address, endpoint.Port), inner, cancellation);
}
