using System;
using System.Collections.Generic;
using System.Linq;
using Culvert.Platform.Linux;

namespace Culvert.Platform.Install;

/// <summary>
/// The files that make Culvert a service of systemd: the helper behind a socket that only its group may open (each connection gets a helper of its own, which
/// checks who is there), the engine as a user without rights, and those two accounts. See systemd.socket(5), systemd.exec(5), sysusers.d(5).
/// </summary>
public static class ServiceFiles
{
    /// <summary>Who may ask the helper, and the user the engine runs as.</summary>
    public const string Group = TunnelHelperOptions.ServiceUser;

    /// <summary>The socket's unit.</summary>
    public const string SocketUnit = "culvert-helper.socket";

    /// <summary>The engine's unit.</summary>
    public const string EngineUnit = "culvert.service";

    /// <summary>The unit that lets nothing leave before the engine's is up.</summary>
    public const string ClosedUnit = "culvert-closed.service";

    // Of the helper, whatever it does.
    private const string Sandbox = """
        CapabilityBoundingSet=CAP_NET_ADMIN
        NoNewPrivileges=yes
        DevicePolicy=closed
        DeviceAllow=/dev/net/tun rw
        ProtectSystem=strict
        ReadWritePaths=/run/culvert
        ProtectHome=read-only
        PrivateTmp=yes
        ProtectClock=yes
        ProtectKernelModules=yes
        ProtectKernelLogs=yes
        ProtectControlGroups=yes
        RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6
        RestrictNamespaces=yes
        RestrictRealtime=yes
        RestrictSUIDSGID=yes
        LockPersonality=yes
        SystemCallArchitectures=native
        """;

    /// <summary>Each file's path and text, for the Culvert that is running.</summary>
    /// <param name="program">The path of its program, without an extension.</param>
    /// <param name="exit">What stands behind `culvert up`: a profile or an EXIT.</param>
    /// <param name="killSwitch">Nothing leaves but through the tunnel, from the machine's start on.</param>
    public static IReadOnlyDictionary<string, string> ForThis(string program, string exit, bool killSwitch) =>
        All(Line(HelperProgram.Locate(program)), Line(HelperProgram.Locate(new TunnelHelperOptions().HelperPath)), exit, killSwitch);

    /// <summary>Each file's path and text.</summary>
    /// <param name="program">The command line of `culvert`, as systemd takes it.</param>
    /// <param name="helper">The command line of the helper.</param>
    /// <param name="exit">What stands behind `culvert up`: a profile or an EXIT.</param>
    /// <param name="killSwitch">Nothing leaves but through the tunnel, from the machine's start on.</param>
    public static IReadOnlyDictionary<string, string> All(string program, string helper, string exit, bool killSwitch)
    {
        SortedDictionary<string, string> files = new(Tunnels(program, helper, killSwitch ? $"{exit} --kill-switch" : exit));
        if (killSwitch)
        {
            files[$"/etc/systemd/system/{ClosedUnit}"] = Closed(helper);
        }

        return files;
    }

    private static Dictionary<string, string> Tunnels(string program, string helper, string arguments) => new()
    {
        ["/usr/lib/sysusers.d/culvert.conf"] = $"""
            # The engine's user; people in its group may start tunnels without a password.
            u {Group} - "Culvert" /var/lib/culvert

            """,
        [$"/etc/systemd/system/{SocketUnit}"] = $"""
            [Unit]
            Description=The helper of Culvert, which owns link, routes, DNS and firewall of a tunnel

            [Socket]
            ListenSequentialPacket={TunnelHelperOptions.ServiceSocket}
            SocketUser=root
            SocketGroup={Group}
            SocketMode=0660
            DirectoryMode=0755
            Accept=yes
            MaxConnections=16
            RemoveOnStop=yes

            [Install]
            WantedBy=sockets.target

            """,
        ["/etc/systemd/system/culvert-helper@.service"] = $"""
            [Unit]
            Description=The helper of one tunnel of Culvert
            CollectMode=inactive-or-failed

            [Service]
            ExecStart={helper} {HelperStart.Verb}
            StandardInput=socket
            StandardOutput=journal
            StandardError=journal
            # However it ends, what it left is given back; a kill switch stays.
            ExecStopPost={helper} {Undo.Cleanup.Verb} {Undo.Cleanup.KeepGuardsArgument}
            KillMode=mixed
            TimeoutStopSec=20
            Environment={string.Join(' ', HelperProgram.EnvironmentPairs)}
            {Sandbox}

            """,
        [$"/etc/systemd/system/{EngineUnit}"] = $"""
            [Unit]
            Description=Culvert: this machine's traffic through {Escaped(arguments)}
            Wants=network-online.target
            After=network-online.target {SocketUnit}
            Requires={SocketUnit}
            StartLimitIntervalSec=0

            [Service]
            ExecStart={program} up {Escaped(arguments)}
            User={Group}
            Group={Group}
            StateDirectory=culvert
            StateDirectoryMode=0700
            RuntimeDirectory=culvert-engine
            RuntimeDirectoryMode=0700
            Environment=XDG_CONFIG_HOME=/etc XDG_RUNTIME_DIR=/run/culvert-engine {HelperProgram.EnvironmentPairs[0]}
            # `culvert down` is the end; anything else is not.
            Restart=on-failure
            RestartSec=2
            KillSignal=SIGINT
            TimeoutStopSec=30
            NoNewPrivileges=yes
            CapabilityBoundingSet=
            ProtectSystem=strict
            ProtectHome=read-only
            PrivateTmp=yes
            ProtectKernelTunables=yes
            ProtectKernelModules=yes
            ProtectControlGroups=yes
            RestrictNamespaces=yes
            RestrictSUIDSGID=yes
            LockPersonality=yes
            SystemCallArchitectures=native

            [Install]
            WantedBy=multi-user.target

            """,
    };

    /// <summary>As nftables.service is: before any network is there, and never undone by the machine's end.</summary>
    private static string Closed(string helper) => $"""
        [Unit]
        Description=Culvert: nothing leaves before the tunnel is up
        DefaultDependencies=no
        Wants=network-pre.target
        Before=network-pre.target {EngineUnit}
        RequiresMountsFor=/usr /run
        After=systemd-sysusers.service local-fs.target

        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart={helper} {Steering.ClosedStart.Verb}
        # When it is told to stop, not when the machine does; a tunnel that is up is left alone.
        ExecStop={helper} {Undo.Cleanup.Verb}
        RuntimeDirectory=culvert
        RuntimeDirectoryPreserve=yes
        Environment={string.Join(' ', HelperProgram.EnvironmentPairs)}
        {Sandbox}

        [Install]
        WantedBy=sysinit.target

        """;

    private static string Line(IReadOnlyList<string> words) => string.Join(' ', words.Select(static word => word.Contains(' ', StringComparison.Ordinal) ? $"\"{Escaped(word)}\"" : Escaped(word)));

    /// <summary>systemd puts values for percent signs (systemd.unit(5), "Specifiers"), which an EXIT may have in its path.</summary>
    private static string Escaped(string text) => text.Replace("%", "%%", StringComparison.Ordinal);
}
