using System.Net;
using System.Net.Sockets;
using Culvert.Core;
using Culvert.Entries;
using Xunit;

namespace Culvert.Tests.Unit.Entries;

public sealed class ListenSocketsTests
{
    [Fact]
    public void AFamilyTheSystemDoesNotHaveIsAnErrorThatSaysWhatToDo()
    {
        CulvertException e = Assert.Throws<CulvertException>(() => ListenSockets.Tcp(new WithoutFamily(), 1));
        Assert.Equal(FailureKind.Configuration, e.Kind);
        Assert.Contains("no IPv6. Choose an IPv4 address", e.Message, System.StringComparison.Ordinal);
    }

    /// <summary>The system knows its family as little as a kernel without IPv6 knows that.</summary>
    private sealed class WithoutFamily() : IPEndPoint(IPAddress.IPv6Loopback, 0)
    {
        public override AddressFamily AddressFamily => AddressFamily.Banyan;
    }
}
