using System.Net;

namespace Culvert.Platform.Channel;

/// <summary>An address of an interface with the length of its prefix: <c>198.18.0.2/32</c>.</summary>
/// <param name="Address">IPv4 or IPv6.</param>
/// <param name="PrefixLength">Bits shared with the neighbours on the link.</param>
public readonly record struct LinkAddress(IPAddress Address, int PrefixLength)
{
    /// <summary><c>address/length</c>.</summary>
    public override string ToString() => $"{Address}/{PrefixLength}";
}
