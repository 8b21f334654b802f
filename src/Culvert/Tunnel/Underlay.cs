using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Dns;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Names;
using Culvert.Platform.Channel;
using Culvert.Platform.Network;

namespace Culvert.Tunnel;

/// <summary>
/// The machine's own network, below the tunnel: the interface that leads out, the name servers there, and the addresses of the exit. Followed as they
/// change; what of it may be used while the tunnel is up is told to the helper with <see cref="State"/>.
/// </summary>
internal sealed class Underlay
{
    private static readonly IPNetwork Fakes = new(IPAddress.Parse("198.18.0.0"), TunnelAddresses.PrefixLengthV4);

    // What a resolver on this machine itself asks, where the machine says so (systemd-resolved(8), NetworkManager(8)).
    private static readonly string[] UplinkFiles = ["/run/systemd/resolve/resolv.conf", "/run/NetworkManager/no-stub-resolv.conf"];

    private readonly TunnelSettings _settings;
    private readonly ExitUri _dialled;
    private readonly IReadOnlyList<Destination> _hosts;
    private volatile IReadOnlyList<IPEndPoint> _servers = [];
    private volatile FrozenDictionary<string, IPAddress[]> _exit = FrozenDictionary<string, IPAddress[]>.Empty;

    /// <summary>The underlay of a tunnel with these settings.</summary>
    public Underlay(TunnelSettings settings)
    {
        _settings = settings;
        _dialled = settings.Via ?? settings.Exit;
        _hosts = _dialled.Dialled;
        Outgoing = new OutgoingInterface(null, TunnelState.EnginePriority);
        Resolver = new SystemResolver(() => _servers, outgoing: Outgoing);
        Follow();
    }

    /// <summary>Where the engine's own sockets leave.</summary>
    public OutgoingInterface Outgoing { get; }

    /// <summary>The machine's own resolver, asked outside the tunnel.</summary>
    public SystemResolver Resolver { get; }

    /// <summary>There is no far side: what leaves goes by this machine's own interface.</summary>
    public bool IsDirect => _dialled.Scheme == ExitScheme.Direct;

    /// <summary>All programs of this machine, whosever they are, have their names from a resolver on it, which cannot tell one user's question from another's.</summary>
    public static bool SharesResolver => Read(ResolverFile.DefaultPath) is { Count: > 0 } servers && servers.All(static s => IPAddress.IsLoopback(s.Address));

    /// <summary>Looks again at routes and name servers; true when something is different.</summary>
    public bool Follow()
    {
        string? name = DefaultRoute.Find(_settings.Link)?.Interface;
        IReadOnlyList<IPEndPoint> servers = NameServers();
        bool same = name == Outgoing.Name && servers.SequenceEqual(_servers);
        Outgoing.Name = name;
        _servers = servers.Count > 0 ? servers : _servers; // a network that is just coming up names none; the old ones do no harm
        return !same;
    }

    /// <summary>
    /// Finds the addresses of the exit; before the tunnel is up by the system's own way, later outside the tunnel. True when they are others than before. What cannot
    /// be resolved now keeps the addresses it had.
    /// </summary>
    public async Task<bool> FindExitAsync(bool isUp, CancellationToken cancellation)
    {
        FrozenDictionary<string, IPAddress[]> known = _exit;
        Dictionary<string, IPAddress[]> found = new(known, StringComparer.OrdinalIgnoreCase);
        Exception? failure = null;
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(_settings.LookupLimit);
        foreach (Destination host in _hosts)
        {
            try
            {
                IPAddress[] addresses = host.Address is { } address ? [address]
                    : isUp ? await Resolver.LookupAsync(host.Host, limit.Token).ConfigureAwait(false)
                    : await LookupAsSystemAsync(host.Host, limit.Token).ConfigureAwait(false);
                if (addresses.Length > 0)
                {
                    found[host.Host] = addresses;
                }
            }
            catch (Exception e) when (e is CulvertException or System.Net.Sockets.SocketException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                failure ??= e;
            }
        }

        if (found.Count == 0 && failure is not null)
        {
            throw new CulvertException(FailureKind.ExitUnreachable, $"The name of the exit {_dialled} could not be resolved: {failure.Message}", failure);
        }

        if (found.Count == known.Count && found.All(each => known.TryGetValue(each.Key, out IPAddress[]? before) && each.Value.ToHashSet().SetEquals(before)))
        {
            return false;
        }

        _exit = found.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        return true;
    }

    /// <summary>The addresses of a name as the exits look them up: those found for the exit itself, others outside the tunnel.</summary>
    public async Task<IPAddress[]> LookupAsync(string host, CancellationToken cancellation) =>
        _exit.TryGetValue(host, out IPAddress[]? found) ? found : await Resolver.LookupAsync(host, cancellation).ConfigureAwait(false);

    /// <summary>How the network should be, with <paramref name="excluded"/> outside as well.</summary>
    public TunnelState State(IReadOnlyList<IPAddress> excluded, DateTimeOffset? captiveUntil)
    {
        List<Bypass> outside = [.. _settings.Exclude.Select(static network => new Bypass(network)), .. excluded.Select(static address => Bypass.To(address))];
        FrozenDictionary<string, IPAddress[]> found = _exit;
        foreach (Destination host in _hosts)
        {
            foreach (IPAddress address in found.GetValueOrDefault(host.Host, []).Where(static address => !IPAddress.IsLoopback(address)))
            {
                outside.Add(Bypass.To(address, Bypass.Tcp, host.Port));
                if (_dialled.Scheme == ExitScheme.Socks5)
                {
                    outside.Add(Bypass.To(address, Bypass.Udp)); // the relay of its associations, on whatever port
                }
            }
        }

        bool asksNames = _settings.ExcludeDomains.Count > 0 || _hosts.Any(static host => host.Name is not null);
        return new TunnelState
        {
            Inside = _settings.Include.Count > 0 ? _settings.Include : TunnelState.Everything,
            Outside = outside,
            EngineOutside = IsDirect ? Bypass.Everywhere : asksNames ? [.. _servers.Where(static s => !IPAddress.IsLoopback(s.Address)).SelectMany(Queries)] : [],
            Lan = _settings.Lan,
            Ipv6 = _settings.IPv6,
            KillSwitch = _settings.KillSwitch,
            CaptiveUntil = captiveUntil,
            User = _settings.User,
            Group = _settings.Group,
        };
    }

    /// <summary>Fails when this machine has no way out.</summary>
    public void Require()
    {
        if (Outgoing.Name is null)
        {
            throw new CulvertException(FailureKind.ExitUnreachable, "This machine has no network now (no default route).");
        }
    }

    private static IEnumerable<Bypass> Queries(IPEndPoint server) =>
        [Bypass.To(server.Address, Bypass.Udp, server.Port), Bypass.To(server.Address, Bypass.Tcp, server.Port)];

    private static IReadOnlyList<IPEndPoint> NameServers()
    {
        IReadOnlyList<IPEndPoint> servers = Read(ResolverFile.DefaultPath);
        if (servers.All(static s => IPAddress.IsLoopback(s.Address)))
        {
            // One on this machine would ask through the tunnel, and so us again.
            IReadOnlyList<IPEndPoint> uplink = [.. UplinkFiles.SelectMany(Read).Where(static s => !IPAddress.IsLoopback(s.Address)).Distinct().Take(ResolverFile.MaxServers)];
            servers = uplink.Count > 0 ? uplink : servers;
        }

        return servers;
    }

    private static IReadOnlyList<IPEndPoint> Read(string path)
    {
        try
        {
            return File.Exists(path) ? [.. ResolverFile.Parse(File.ReadAllLines(path)).Where(static s => !Fakes.Contains(s.Address))] : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CulvertException(FailureKind.Configuration, $"The system's name servers cannot be read from {path}: {e.Message}", e);
        }
    }

    private async Task<IPAddress[]> LookupAsSystemAsync(string host, CancellationToken cancellation)
    {
        try
        {
            return await System.Net.Dns.GetHostAddressesAsync(host, cancellation).ConfigureAwait(false);
        }
        catch (System.Net.Sockets.SocketException)
        {
            // A kill switch that an earlier tunnel left refuses the system's questions, and lets ours pass.
            return await Resolver.LookupAsync(host, cancellation).ConfigureAwait(false);
        }
    }
}
