using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Culvert.Bench.Running;

/// <summary>The table of all that can be compared.</summary>
internal static class Contenders
{
    /// <summary>The same work without anything in between.</summary>
    internal static readonly Contender Raw = new(Contender.RawName, ["{command}"]);

    /// <summary>The load speaks to the far side's SOCKS5 server itself: what is left to win behind it. On request only.</summary>
    internal static readonly Contender RawSocks = new("raw-socks5", ["{command}", "{socks}"]);

    /// <summary>Other programs that do the same job, each with the programs it needs.</summary>
    internal static readonly IReadOnlyList<(Contender Contender, string Program)> Peers =
    [
        (new Contender("microsocks", ["microsocks", "-i", "{proxy-host}", "-p", "{proxy-port}"]), "microsocks"),
        (new Contender("dante", ["danted", "-N", "1", "-f", "{directory}/danted.conf"])
        {
            Files = new Dictionary<string, string>
            {
                ["danted.conf"] = """
                    logoutput: {directory}/danted.log
                    internal: {proxy-host} port = {proxy-port}
                    external: far
                    clientmethod: none
                    socksmethod: none
                    client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
                    socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }

                    """,
            },
        }, "danted"),
        (new Contender("proxychains", ["proxychains4", "-q", "-f", "{directory}/proxychains.conf", "{command}"])
        {
            Files = new Dictionary<string, string>
            {
                ["proxychains.conf"] = """
                    strict_chain
                    [ProxyList]
                    socks5 {socks-host} {socks-port}

                    """,
            },
        }, "proxychains4"),
    ];

    /// <summary>Programs that would be worth a comparison and have no line in the table yet: give them with <c>--peer</c>.</summary>
    internal static readonly IReadOnlyList<string> Wanted = ["hev-socks5-tunnel", "tun2socks", "sshuttle", "openvpn"];

    /// <summary>Culvert's own ways; <paramref name="root"/> is where its launcher is.</summary>
    internal static IReadOnlyList<Contender> Culvert(string root)
    {
        string program = Path.Combine(root, "culvert");
        return
        [
            new("run", [program, "run", "--", "{command}"]) { IsCulvert = true },
            new("run-socks5", [program, "run", "socks5://{socks}", "--", "{command}"]) { IsCulvert = true },
            new("proxy", [program, "proxy", "--listen", "{proxy}"]) { IsCulvert = true },
        ];
    }

    /// <summary>True when a program is on the PATH (or where Debian keeps servers).</summary>
    internal static bool Installed(string program) => $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin"
        .Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Any(directory => File.Exists(Path.Combine(directory, program)));
}
