using System.Linq;
using Culvert.Core.Stack.Tcp;
using Xunit;

namespace Culvert.Tests.Unit.Stack.Tcp;

public sealed class SipHashTests
{
    // The vectors of the authors: key 00 01 … 0f, data 00 01 … (appendix A of the paper is the one of 15 bytes).
    [Theory]
    [InlineData(0, 0x726fdb47dd0e0e31)]
    [InlineData(1, 0x74f839c593dc67fd)]
    [InlineData(8, 0x93f5f5799a932462)]
    [InlineData(15, 0xa129ca6149be45e5)]
    public void ItAgreesWithItsAuthors(int length, ulong expected)
    {
        byte[] key = [.. Enumerable.Range(0, SipHash.KeySize).Select(static i => (byte)i)];
        byte[] data = [.. Enumerable.Range(0, length).Select(static i => (byte)i)];
        Assert.Equal(expected, SipHash.Compute(key, data));
    }
}
