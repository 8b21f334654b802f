using System.Linq;
using System.Net;
using Culvert.Pairing;
using Xunit;

namespace Culvert.Tests.Unit.Pairing;

public sealed class ReachableAddressesTests
{
    private static readonly IPAddress[] Machine = [.. new[] { "127.0.0.1", "::1", "fe80::1%2", "2001:db8::7", "169.254.3.4", "192.0.2.7", "fd00::7" }.Select(IPAddress.Parse)];

    [Theory]
    [InlineData("[::]:7443", "192.0.2.7:7443 [2001:db8::7]:7443 [fd00::7]:7443")]
    [InlineData("0.0.0.0:7443", "192.0.2.7:7443")]
    [InlineData("203.0.113.9:443", "203.0.113.9:443")]
    [InlineData("127.0.0.1:7443", "")]
    [InlineData("[::1]:7443", "")]
    [InlineData("[fe80::1]:7443", "")]
    [InlineData("[::]:1 0.0.0.0:2", "192.0.2.7:1 [2001:db8::7]:1 [fd00::7]:1 192.0.2.7:2")]
    [InlineData("[::]:1 0.0.0.0:1", "192.0.2.7:1 [2001:db8::7]:1 [fd00::7]:1")]
    [InlineData("[::]:1 [::]:2", "192.0.2.7:1 [2001:db8::7]:1 [fd00::7]:1 192.0.2.7:2")]
    public void OnlyWhatOthersCanReachIsNamed(string listening, string named) =>
        Assert.Equal(named, string.Join(' ', ReachableAddresses.Of([.. listening.Split(' ').Select(IPEndPoint.Parse)], Machine)));
}
