using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Flows;
using Culvert.Platform.Links;

namespace Culvert.Entries.Tun;

/// <summary>Opens sockets that live on the loop of a link from their first moment, so that no byte and no event of theirs changes threads.</summary>
internal sealed class LoopDialer(LinkLoop loop, ISocketWatcher watcher, CancellationToken ending) : IDialer
{
    /// <summary>Cancelled on the loop, while it still runs.</summary>
    public CancellationToken Ending => ending;

    /// <inheritdoc/>
    public async ValueTask<IConnection> DialAsync(IPEndPoint endpoint, OutgoingInterface? outgoing, string what, CancellationToken cancellation)
    {
        await loop.Turn; // an exit that looks a name up comes from elsewhere
        cancellation.ThrowIfCancellationRequested();
        LoopConnection connection = new(loop, watcher, LinkSocket.Connect(endpoint, outgoing?.RequireName(), outgoing?.Priority ?? 0), what);
        try
        {
            await connection.ConnectedAsync(cancellation);
            return connection;
        }
        catch
        {
            connection.Abort();
            throw;
        }
    }
}
