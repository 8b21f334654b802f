using System.IO;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;
using Culvert.Tests.Unit.Names;
using Xunit;

namespace Culvert.Tests.Unit.Flows;

public class ConnectionStreamTests
{
    [Fact]
    public async Task BytesGoBothWaysAndTheEndIsTheEnd()
    {
        (MemoryConnection near, MemoryConnection far) = MemoryConnection.Pair();
        await using var stream = new ConnectionStream(near);
        await using var other = new ConnectionStream(far);
        await stream.WriteAsync(new byte[] { 1, 2, 3 });
        byte[] got = new byte[3];
        await other.ReadExactlyAsync(got);
        Assert.Equal([1, 2, 3], got);
        await far.FinishAsync();
        Assert.Equal(0, await stream.ReadAsync(got));
    }

    [Fact]
    public async Task AResetIsWhatStreamReadersExpectWithItsReasonInside()
    {
        (MemoryConnection near, MemoryConnection far) = MemoryConnection.Pair();
        await using var stream = new ConnectionStream(near);
        far.Abort();
        IOException e = await Assert.ThrowsAsync<IOException>(async () => await stream.ReadExactlyAsync(new byte[1]));
        Assert.Equal(FailureKind.Reset, Assert.IsType<CulvertException>(e.InnerException).Kind);
    }

    [Fact]
    public async Task ClosingEitherWayClosesTheConnection()
    {
        (MemoryConnection near, MemoryConnection far) = MemoryConnection.Pair();
        new ConnectionStream(near).Dispose();
        await near.Closed.Task;
        await new ConnectionStream(far).DisposeAsync();
        await far.Closed.Task;
    }
}
