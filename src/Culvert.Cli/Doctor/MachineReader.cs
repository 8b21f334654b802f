using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Cli.Control;
using Culvert.Core.Dns;
using Culvert.Platform.Linux;
using Culvert.Platform.Network;

namespace Culvert.Cli.Doctor;

/// <summary>Looks at this machine. Changes nothing; sends pings only to the host it is given.</summary>
internal static class MachineReader
{
    private const string Device = "/dev/net/tun";
    private const string Journals = "/run/culvert";
    private const string UplinkFile = "/run/systemd/resolve/resolv.conf";
    private const string SynchronisedFile = "/run/systemd/timesync/synchronized";

    private static readonly int[] Sizes = [1280, 1400, 1460, 1500];
    private static readonly TimeSpan PingLimit = TimeSpan.FromSeconds(1);

    /// <summary>The machine as it is now; with <paramref name="host"/>, also the path there.</summary>
    public static async Task<Machine> ReadAsync(IPAddress? host, CancellationToken cancellation)
    {
        string? way = DefaultRoute.Find(TunnelHelperOptions.DefaultLink)?.Interface;
        string[] settings =
        [
            "user/max_user_namespaces", "kernel/unprivileged_userns_clone", "kernel/apparmor_restrict_unprivileged_userns",
            "net/ipv4/conf/all/rp_filter", $"net/ipv4/conf/{way ?? "all"}/rp_filter",
        ];
        NetworkInterface[] interfaces = NetworkInterface.GetAllNetworkInterfaces();
        return new Machine
        {
            TunExists = File.Exists(Device),
            TunTrouble = OpenTrouble(),
            Settings = settings.Distinct().Where(static name => File.Exists("/proc/sys/" + name)).ToDictionary(static name => name, static name => File.ReadAllText("/proc/sys/" + name).Trim()),
            DefaultInterface = way,
            OtherVpns = OtherVpns(interfaces),
            Resolvers = Servers("/etc/resolv.conf"),
            Uplinks = [.. Servers(UplinkFile).Where(static server => !TunnelAddresses.BlockV4.Contains(server))], // but for a tunnel's own
            Journals = Directory.Exists(Journals) ? [.. Directory.EnumerateFiles(Journals, "*.journal").Select(static file => Path.GetFileNameWithoutExtension(file))] : [],
            Running = await RunningAsync(cancellation),
            HasFirewall = SystemParts.HasFirewall,
            CanElevate = SystemParts.CanElevate,
            Now = DateTimeOffset.UtcNow,
            Built = File.GetLastWriteTimeUtc(typeof(MachineReader).Assembly.Location),
            ClockFollows = Directory.Exists(Path.GetDirectoryName(SynchronisedFile)) ? File.Exists(SynchronisedFile) : null,
            HasV6Address = interfaces.Any(static i => i.OperationalStatus == OperationalStatus.Up && !i.Name.StartsWith("culvert", StringComparison.Ordinal)
                && i.GetIPProperties().UnicastAddresses.Any(static a => a.Address is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv6LinkLocal: false } && !IPAddress.IsLoopback(a.Address))),
            HasV6Route = DefaultRoute.FindV6(TunnelHelperOptions.DefaultLink) is not null,
            Sizes = host is { AddressFamily: AddressFamily.InterNetwork } ? await ProbeSizesAsync(host, cancellation) : [],
            V6Answers = host is { AddressFamily: AddressFamily.InterNetworkV6 } ? await PingAsync(host, 56, cancellation) == SizeOutcome.Answered : null,
        };
    }

    private static string? OpenTrouble()
    {
        try
        {
            using FileStream device = new(Device, FileMode.Open, FileAccess.ReadWrite);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    // A device without a link layer (TUN, WireGuard, PPP) that is not ours and leads everywhere.
    private static string[] OtherVpns(NetworkInterface[] interfaces) =>
        [.. DefaultRoute.Everywhere().Distinct().Where(name => !name.StartsWith("culvert", StringComparison.Ordinal)
            && interfaces.Any(i => i.Name == name && i.NetworkInterfaceType is not (NetworkInterfaceType.Ethernet or NetworkInterfaceType.Wireless80211 or NetworkInterfaceType.Loopback)
                && (File.Exists($"/sys/class/net/{name}/tun_flags") || i.GetPhysicalAddress().GetAddressBytes().Length == 0)))];

    private static IPAddress[] Servers(string path) => File.Exists(path)
        ? [.. File.ReadLines(path).Select(static line => line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(static words => words is ["nameserver", _, ..] && IPAddress.TryParse(words[1], out _)).Select(static words => IPAddress.Parse(words[1]))]
        : [];

    private static async Task<IReadOnlyList<string>> RunningAsync(CancellationToken cancellation)
    {
        List<string> running = [];
        IEnumerable<string> links = File.ReadLines("/proc/net/unix").Select(static line => line[(line.LastIndexOf(' ') + 1)..])
            .Where(static path => path.StartsWith("@culvert/", StringComparison.Ordinal)).Select(static path => path["@culvert/".Length..].TrimEnd('@')).Distinct();
        foreach (string link in links)
        {
            using ControlClient? client = await ControlClient.ConnectAsync(link, user: 0, cancellation);
            if (client is not null)
            {
                running.Add(link);
            }
        }

        return running;
    }

    private static async Task<IReadOnlyList<SizeProbe>> ProbeSizesAsync(IPAddress host, CancellationToken cancellation)
    {
        List<SizeProbe> probes = [];
        foreach (int size in Sizes)
        {
            probes.Add(new SizeProbe(size, await PingAsync(host, size, cancellation)));
        }

        return probes;
    }

    private static async Task<SizeOutcome> PingAsync(IPAddress host, int size, CancellationToken cancellation)
    {
        const int headers = 28; // IPv4 and ICMP
        using Ping ping = new();
        try
        {
            PingReply reply = await ping.SendPingAsync(host, PingLimit, new byte[Math.Max(8, size - headers)], new PingOptions(64, dontFragment: true), cancellation);
            return reply.Status switch
            {
                IPStatus.Success => SizeOutcome.Answered,
                IPStatus.PacketTooBig => SizeOutcome.TooBig,
                _ => SizeOutcome.Silence,
            };
        }
        catch (PingException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.MessageSize })
        {
            return SizeOutcome.TooBig;
        }
        catch (Exception e) when (e is PingException or PlatformNotSupportedException)
        {
            return SizeOutcome.Silence;
        }
    }
}
