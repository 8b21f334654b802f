using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Transports;

/// <summary>A way to the far side that gives one reliable byte stream each time it is opened. Transports stand on one another: TLS over TCP, TLS over TLS.</summary>
internal interface ITransport
{
    /// <summary>The way as people know it, without secrets: <c>tls://host:7443</c>.</summary>
    string Description { get; }

    /// <summary>
    /// Opens the stream. Every failure is a <see cref="CulvertException"/>: <see cref="FailureKind.Untrusted"/> when the far side is not who it should be;
    /// <see cref="System.OperationCanceledException"/> only for <paramref name="cancellation"/>.
    /// </summary>
    ValueTask<IConnection> OpenAsync(CancellationToken cancellation);
}
