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

    /// <summary>VSHP over TLS, next to TLS alone, which is raw in its rows.</summary>
    internal static readonly Contender Session = new("vshp", []) { IsCulvert = true, IsSession = true };

    private const string OpenVpn = """
        openvpn --dev tun --proto udp4 --topology p2p --data-ciphers AES-256-GCM --cert {directory}/cert --key {directory}/key \
            --peer-fingerprint "$(openssl x509 -in {directory}/cert -noout -fingerprint -sha256 | cut -d= -f2)" --verb 1
        """;

    private const string Root = "root@10.9.2.2";

    private static readonly string[] SshOptions =
    [
        "-F", "none", "-i", "{directory}/key", "-p", "{far-port}", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
    ];

    /// <summary>OpenSSH's server with keys of its own; what it wants below /run it gets in this command's own mount namespace.</summary>
    private static readonly string[] Sshd =
    [
        "sh", "-c",
        $"mount -t tmpfs run /run && mkdir -m 755 /run/sshd && ssh-keygen -q -t ed25519 -N '' -f {{directory}}/key && /usr/sbin/sshd -f {{directory}}/sshd.conf && echo '{Load.LoadProgram.Good}ready' && exec sleep infinity",
    ];

    private static readonly Dictionary<string, string> SshdFiles = new()
    {
        ["sshd.conf"] = """
            Port {far-port}
            HostKey {directory}/key
            AuthorizedKeysFile {directory}/key.pub
            PermitRootLogin yes
            StrictModes no
            UsePAM no
            PidFile none
            MaxSessions 1000

            """,
    };

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
        (new Contender("ssh", ["ssh", .. SshOptions, "-N", "-D", "{proxy}", Root]) { FarEnd = Sshd, Files = SshdFiles }, "sshd"),
        (new Contender("sshuttle",
            ["sh", "-c", $"sshuttle --daemon --pidfile {{directory}}/pid --method nft --ssh-cmd 'ssh {string.Join(' ', SshOptions)}' -r {Root} {BenchNetwork.Target}/32 >&2 && exec \"$@\"", "sh", "{command}"])
        {
            WantsHost = true,
            FarEnd = Sshd,
            Files = SshdFiles,
        }, "sshuttle"),
        (new Contender("openvpn",
            ["sh", "-c", $"{OpenVpn} --tls-client --remote {{socks-host}} --port {{far-port}} --ifconfig {{tunnel-near}} {{tunnel-far}} --route {BenchNetwork.Target} --daemon --log {{directory}}/log && until ping -qc1 -W1 -I {{tunnel-near}} {{tunnel-far}} >/dev/null 2>&1; do :; done && exec \"$@\"", "sh", "{command}"])
        {
            WantsHost = true,
            FarEnd =
            [
                "sh", "-c",
                $"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=bench -keyout {{directory}}/key -out {{directory}}/cert 2>&1 && echo '{Load.LoadProgram.Good}ready' && exec {OpenVpn} --tls-server --dh none --multihome --port {{far-port}} --ifconfig {{tunnel-far}} {{tunnel-near}}",
            ],
        }, "openvpn"),
    ];

    /// <summary>Programs that would be worth a comparison and have no line in the table yet: give them with <c>--peer</c>.</summary>
    internal static readonly IReadOnlyList<string> Wanted = ["hev-socks5-tunnel", "tun2socks"];

    /// <summary>Culvert's own ways; <paramref name="root"/> is where its launcher is.</summary>
    internal static IReadOnlyList<Contender> Culvert(string root)
    {
        string program = Path.Combine(root, "culvert");
        return
        [
            new("run", [program, "run", "--", "{command}"]) { IsCulvert = true },
            new("run-socks5", [program, "run", "socks5://{socks}", "--", "{command}"]) { IsCulvert = true },
            // On a host of its own, whose whole traffic it takes; by a name of its own, since a machine has one tunnel of a name.
            new("up-socks5", ["sh", "-c", $"{program} up socks5://{{socks}} --name {{proxy-port}} --detach >&2 && {{ \"$@\"; {program} down --name {{proxy-port}} >&2; }}", "sh", "{command}"]) { IsCulvert = true, WantsHost = true },
            new("proxy", [program, "proxy", "--listen", "{proxy}"]) { IsCulvert = true },
        ];
    }

    /// <summary>True when a program is on the PATH (or where Debian keeps servers).</summary>
    internal static bool Installed(string program) => $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin"
        .Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Any(directory => File.Exists(Path.Combine(directory, program)));
}
