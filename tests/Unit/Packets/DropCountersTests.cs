using Culvert.Core.Packets;
using Xunit;

namespace Culvert.Tests.Unit.Packets;

public sealed class DropCountersTests
{
    [Fact]
    public void ReasonsAreCountedAndShownByName()
    {
        DropCounters drops = new();
        Assert.Equal("", drops.ToString());
        drops.Count(DropReason.Truncated);
        drops.Count(DropReason.Truncated);
        drops.Count(DropReason.NoFlow);
        drops.Count(DropReason.None);
        Assert.Equal((2L, 1L, 3L), (drops[DropReason.Truncated], drops[DropReason.NoFlow], drops.Total));
        Assert.Equal("Truncated=2 NoFlow=1", drops.ToString());
    }
}
