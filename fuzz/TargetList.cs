using System.Collections.Generic;
using Culvert.Fuzz.Targets;

namespace Culvert.Fuzz;

/// <summary>All fuzz targets. One more is one file in Targets/ and one line here.</summary>
internal static class TargetList
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        ClientHelloTarget.Entry,
        DnsTarget.Entry,
        MdnsTarget.Entry,
        PacketsTarget.Entry,
        PairingTarget.Entry,
        ProxyTarget.Entry,
        ReassemblyTarget.Entry,
        SessionTarget.Entry,
        StackTarget.Entry,
        VirtioTarget.Entry,
    ];
}
