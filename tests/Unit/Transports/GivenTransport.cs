using System.Threading;
using System.Threading.Tasks;
using Culvert.Flows;
using Culvert.Transports;

namespace Culvert.Tests.Unit.Transports;

/// <summary>A transport that is open already.</summary>
internal sealed class GivenTransport(IConnection connection) : ITransport
{
    public string Description => "given:";

    public ValueTask<IConnection> OpenAsync(CancellationToken cancellation) => ValueTask.FromResult(connection);
}
