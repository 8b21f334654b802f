using System.Net;
using System.Threading;
using System.Threading.Tasks;

namespace Culvert.Flows;

/// <summary>
/// Opens the TCP sockets that an exit needs, where whoever asks for a connection wants them: on the framework's own loop
/// (<see cref="SocketDialer"/>), or on that of the link whose flow it is. What awaits on the way to a connection goes on where it was
/// (no ConfigureAwait(false)): on a link's loop that is the thread that everything happens on anyway, and elsewhere it means nothing.
/// </summary>
public interface IDialer
{
    /// <summary>Cancelled when no more will be dialled: what is kept open for later connections by this dialer goes then.</summary>
    CancellationToken Ending => CancellationToken.None;

    /// <summary>
    /// Connects to <paramref name="endpoint"/>, by <paramref name="outgoing"/> where one is given. Every failure is a <see cref="Core.CulvertException"/> whose sentence begins with
    /// <paramref name="what"/> ("The connection to …"); <see cref="System.OperationCanceledException"/> only for <paramref name="cancellation"/>.
    /// </summary>
    ValueTask<IConnection> DialAsync(IPEndPoint endpoint, OutgoingInterface? outgoing, string what, CancellationToken cancellation);
}
