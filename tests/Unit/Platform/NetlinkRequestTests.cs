using Culvert.Platform.Netlink;
using Xunit;

namespace Culvert.Tests.Unit.Platform;

public sealed class NetlinkRequestTests
{
    [Fact]
    public void AttributesArePaddedAndCounted()
    {
        NetlinkRequest request = new(stackalloc byte[64], 16, 0x400, [1, 2, 3, 4, 5]);
        request.Attribute(4, 1500);
        int outer = request.Open(26);
        request.Attribute(8, [1]);
        request.Close(outer);
        Assert.Equal(
            [
                44, 0, 0, 0, 16, 0, 5, 4, 0, 0, 0, 0, 0, 0, 0, 0, // nlmsghdr: length, type, flags (create, request, acknowledge), sequence, port
                1, 2, 3, 4, 5, 0, 0, 0, // the fixed part, padded
                8, 0, 4, 0, 0xDC, 5, 0, 0, // a number
                12, 0, 26, 0, 5, 0, 8, 0, 1, 0, 0, 0, // an attribute inside another, whose length has the padding (kernel: NLA_ALIGN of the last)
            ],
            request.Finish().ToArray());
    }
}
