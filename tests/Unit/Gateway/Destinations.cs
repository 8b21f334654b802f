using System.Collections.Generic;
using System.Linq;
using System.Net;

namespace Culvert.Tests.Unit.Gateway;

/// <summary>Ways to write destinations that a gateway gives to nobody, and some that it does give.</summary>
internal static class Destinations
{
    /// <summary>Addresses of the gateway in these tests.</summary>
    public static readonly IPAddress[] Own = [IPAddress.Parse("198.41.0.4"), IPAddress.Parse("2620:0:ccc::2"), IPAddress.Parse("10.1.2.3")];

    /// <summary>Names and what they resolve to here.</summary>
    public static readonly Dictionary<string, string[]> Names = new()
    {
        ["public.test"] = ["93.184.215.14"],
        ["public6.test"] = ["2606:2800:21f:cb07:6820:80da:af6b:8b2c"],
        ["mixed.test"] = ["127.0.0.1", "93.184.215.14"],
        ["loopback.test"] = ["127.0.0.1"],
        ["loopback6.test"] = ["::1"],
        ["mapped.test"] = ["::ffff:127.0.0.1"],
        ["private.test"] = ["10.0.0.1"],
        ["both.test"] = ["192.168.0.1", "fd00::1"],
        ["metadata.google.internal"] = ["169.254.169.254"],
        ["instance-data.ec2.internal"] = ["fd00:ec2::254"],
        ["own.test"] = ["198.41.0.4"],
        ["translated.test"] = ["64:ff9b::7f00:1"],
        ["zero.test"] = ["0.0.0.0"],
        ["empty.test"] = [],
    };

    /// <summary>What is refused.</summary>
    public static readonly string[] Forbidden =
    [
        // loopback, as people and attackers write it
        "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.0.0.1", "0x7F.1", "0177.0.0.1", "0177.1", "017700000001", "0x7f.0.0x0.1", "127.0.0.01",
        "::1", "[::1]", "0:0:0:0:0:0:0:1", "0000:0000:0000:0000:0000:0000:0000:0001", "::0001", "::1%1", "::1%lo", "localhost", "LOCALHOST", "localhost.",

        // the unspecified address, which is this machine to most systems
        "0.0.0.0", "0", "0.1", "0x0", "00", "::", "[::]", "0.0.0.1", "::%1",

        // IPv4 in IPv6
        "::ffff:127.0.0.1", "::ffff:7f00:1", "[::ffff:127.0.0.1]", "::ffff:0a00:0001", "::ffff:169.254.169.254", "0:0:0:0:0:ffff:7f00:1", "::127.0.0.1", "::7f00:1", "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "64:ff9b:1:a00:1::",
        "2002:7f00:1::", "2002:7f00:0001::1", "2002:a00:1::1", "2002:a9fe:a9fe::", "2002:c0a8:101::1",
        "2001:0:7f00:1::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:7f00:1",

        // private networks and the provider's
        "10.0.0.1", "10.255.255.255", "012.0.0.1", "0xa000001", "167772161", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.168.257", "3232235777", "0xc0.0xa8.1.1", "100.64.0.1", "100.127.255.255",
        "fc00::1", "fd12:3456:789a::1", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::1",

        // link-local and metadata
        "169.254.1.1", "169.254.169.254", "169.254.169.254.", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192",
        "fe80::1", "fe80::1%1", "fe80::1%eth0", "[fe80::1%25eth0]", "febf::1", "fd00:ec2::254", "[fd00:0ec2::0254]", "fd20:ce::254",

        // multicast, broadcast, reserved, documentation, benchmarks
        "224.0.0.1", "239.255.255.250", "ff02::1", "ff02::fb%1", "ff0e::1", "255.255.255.255", "4294967295", "0xffffffff", "240.0.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1",
        "198.18.0.1", "198.19.255.255", "192.88.99.1", "192.0.0.1", "100::1", "5f00::1", "2001:2::1", "2001:10::1",

        // the gateway's own
        "198.41.0.4", "3324575748", "::ffff:198.41.0.4", "64:ff9b::198.41.0.4", "2002:c629:4::", "2620:0:ccc::2", "[2620:0:ccc:0::2]", "10.1.2.3",

        // other scripts' digits and dots, and names that are none
        "１２７.０.０.１", "127。0。0。1", "①②⑦.0.0.1", "127｡0｡0｡1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "loopback.test\0.public.test", "public.test@127.0.0.1", "127.0.0.1#public.test", "127.0.0.1/", " 127.0.0.1", "127.0.0.1:80", "public..test", ".public.test",

        // names that lead there
        .. Names.Where(static n => !n.Key.StartsWith("public", System.StringComparison.Ordinal) && n.Key != "mixed.test").Select(static n => n.Key),
        "LoopBack.Test.", "loopback.test...",
    ];

    /// <summary>What is not.</summary>
    public static readonly string[] Allowed =
    [
        "93.184.215.14", "93.184.215.14.", "0x5db8d70e", "1572394766", "::ffff:93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::93.184.215.14", "2002:5db8:d70e::1",
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "126.255.255.255", "128.0.0.1", "100.63.255.255", "100.128.0.0", "169.253.255.255", "172.15.255.255", "172.32.0.1", "192.167.255.255", "192.169.0.1", "198.17.255.255",
        "198.20.0.1", "223.255.255.255", "198.41.0.5", "2620:0:ccc::3", "2001:4860:4860::8888", "public.test", "PUBLIC.test.", "public6.test", "mixed.test",
    ];
}
