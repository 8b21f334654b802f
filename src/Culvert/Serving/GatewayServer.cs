using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Discovery;
using Culvert.Entries;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Gateway;
using Culvert.Names;
using Culvert.Pairing;
using Culvert.Transports;
using Culvert.Trust;

namespace Culvert.Serving;

/// <summary>
/// A gateway that runs: listens, shakes hands, knows its devices, applies its rules, and tells its links of itself. <see cref="DisposeAsync"/> tells the devices that it goes, lets what is open
/// go on for a moment, and ends it. Trust store and identity stay their maker's.
/// </summary>
public sealed class GatewayServer : IAsyncDisposable
{
    // Web servers hang up on whoever is silent sooner.
    private static readonly RelayOptions Web = RelayOptions.Default with { IdleTimeout = TimeSpan.FromMinutes(5) };

    private readonly ServeSettings _settings;
    private readonly Action<string> _say;
    private readonly AddressCount _connections;
    private readonly List<IAsyncDisposable> _parts = [];
    private readonly List<string> _listening = [];
    private readonly List<IPEndPoint> _endpoints = [];
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();
    private VshpGateway? _gateway;
    private PairingDesk? _desk;
    private TlsServer? _tls;
    private EntryServer? _entry;
    private Task _alone = Task.CompletedTask;

    private GatewayServer(ServeSettings settings, Action<string> say)
    {
        _settings = settings;
        _say = say;
        _connections = new AddressCount(settings.Limits.MaxConnections, settings.Limits.MaxConnectionsPerAddress);
    }

    /// <summary>Where it listens, with real ports, as an EXIT would name it.</summary>
    public IReadOnlyList<string> Listening => _listening;

    /// <summary>The port of TLS that is not for this machine alone; null where there is none.</summary>
    public int? Port { get; private set; }

    /// <summary>Sessions now, those that wait for their device included.</summary>
    public int Sessions => _gateway?.Sessions ?? 0;

    /// <summary>TLS handshakes under way now.</summary>
    public int Handshakes => _tls?.HandshakesUnderWay ?? 0;

    /// <summary>Ends when the only transport there was, standard input and output, has ended.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Starts a gateway.</summary>
    /// <param name="settings">What it should be like.</param>
    /// <param name="trust">Whom it serves; followed as it changes.</param>
    /// <param name="identity">Who it is.</param>
    /// <param name="say">Told what its owner should know, from any thread: sentences, never a destination.</param>
    /// <param name="tell">Told who comes and goes, from any thread.</param>
    /// <exception cref="CulvertException">Usage, Configuration or Privilege: why it cannot be.</exception>
    public static async Task<GatewayServer> StartAsync(ServeSettings settings, TrustStore trust, Identity identity, Action<string> say, Action<GatewayEvent> tell)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(trust);
        ArgumentNullException.ThrowIfNull(identity);
        GatewayServer server = new(settings, say);
        try
        {
            server.Make(trust, identity, tell);
            server.Listen();
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Shows a new one-time secret by which a device may ask to be paired; the one before is void.</summary>
    /// <exception cref="InvalidOperationException">Nobody is paired here: <see cref="ServeSettings.Approve"/>.</exception>
    public PairingInvitation Invite() => _desk?.Invite() ?? throw new InvalidOperationException("This gateway pairs nobody.");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // In the order of a farewell: nobody finds it any more, devices are told, then what they came in by is closed, then all else.
        for (int i = _parts.Count - 1; i >= 0; i--)
        {
            await _parts[i].DisposeAsync().ConfigureAwait(false);
        }

        _parts.Clear();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _alone.ConfigureAwait(false);
        _stop.Dispose();
    }

    private void Make(TrustStore trust, Identity identity, Action<GatewayEvent> tell)
    {
        RequiredInterface? required = _settings.RequiredInterface is { } name ? Part(new RequiredInterface(name, _say)) : null;
        ExitOptions options = required is null
            ? ExitOptions.Default with { Answer = new SystemResolver().ResolveAsync }
            : ExitOptions.Default with { Outgoing = required.Outgoing, Lookup = required.LookupAsync, Answer = required.ResolveAsync };
        IExit exit = ExitFactory.Create(_settings.Via ?? ExitUri.Direct, options);
        _parts.Add(exit);

        IReadOnlyList<PolicyRule> typed = [.. _settings.Rules.SelectMany(static rule => RuleReader.ReadOption(rule.Allows, rule.Text))];
        RulesFile? file = _settings.RulesFile is { } path ? Part(new RulesFile(path, _say)) : null;
        CommonRules common = new(typed, file);
        DevicePolicies policies = new(trust, common.Now, Part(new OwnAddresses()).Contains, _say);

        ServeLimits limits = _settings.Limits;
        _tls = new TlsServer(new TlsServerOptions
        {
            Certificate = TlsServer.CertificateOf(identity),
            Others = new TlsServerOptions
            {
                Certificate = _settings.OutsideCertificate is var (certificate, key) ? OutsideCertificate.Load(certificate, key) : OutsideCertificate.MakeOwn(DateTimeOffset.UtcNow),
                RequireKey = false,
                Protocols = [TlsProtocols.Web],
                AllowNoProtocol = true,
            },
            Limits = new HandshakeLimits { Total = limits.MaxHandshakes, PerAddress = limits.MaxHandshakesPerAddress, Time = limits.HandshakeTime },
        });

        // Behind the listeners in the order of ends: sessions say farewell while their transports are still there.
        _entry = new EntryServer(new EntryLimits { MaxConnections = limits.MaxConnections }, _say);
        _parts.Add(_entry);
        _desk = _settings.Approve is null ? null : Part(new PairingDesk(identity.Hash, trust, new PairingDeskOptions
        {
            Name = _settings.Name,
            Addresses = () => ReachableAddresses.Of(_endpoints),
            Approve = _settings.Approve,
            Say = _say,
            Closed = _settings.CodeVoid,
        }));
        _gateway = new VshpGateway(exit, policies.For, options, trust, GatewayOptions.Default with
        {
            Session = new VshpOptions { MaxFlows = limits.MaxFlows },
            MaxSessions = limits.MaxSessions,
            MaxSessionsOfDevice = limits.MaxSessionsPerDevice,
            Pairing = _desk,
            Say = _say,
            Tell = tell,
        });
        _parts.Add(_gateway);
    }

    private void Listen()
    {
        foreach (ListenAddress address in _settings.Listen)
        {
            switch (address.Kind)
            {
                case ListenKind.Tls:
                    Socket socket = ListenSockets.Tcp(address.Endpoint!, EntryLimits.Default.Backlog);
                    IPEndPoint real = (IPEndPoint)socket.LocalEndPoint!;
                    _entry!.Add(socket, ServeTlsAsync);
                    _listening.Add($"tls://{real}");
                    _endpoints.Add(real);
                    Port ??= IPAddress.IsLoopback(real.Address) ? null : real.Port;
                    break;
                case ListenKind.Unix:
                    _entry!.Add(ListenSockets.Unix(address.Path, EntryLimits.Default.Backlog), ServeUnixAsync);
                    _parts.Insert(0, new Removed(address.Path));
                    _listening.Add($"unix:{address.Path}");
                    break;
                default:
                    _listening.Add("stdio");
                    break;
            }
        }

        if (_settings.Advertise && Port is { } port)
        {
            _parts.Add(new GatewayBeacon(_settings.Name, (ushort)port, _say));
        }

        if (_settings.Listen.Any(static address => address.Kind == ListenKind.Stdio))
        {
            _alone = ServeStandardStreamsAsync();
        }
    }

    private async Task ServeTlsAsync(SocketConnection connection, CancellationToken cancellation)
    {
        if (connection.RemoteEndPoint is not IPEndPoint { Address: { } address })
        {
            return; // gone already
        }

        IPAddress from = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (!_connections.TryBegin(from))
        {
            connection.Abort();
            return;
        }

        try
        {
            TlsConnection tls = await _tls!.AcceptAsync(connection, from, cancellation).ConfigureAwait(false);
            if (tls.Protocol == TlsProtocols.Vshp)
            {
                await _gateway!.ServeAsync(tls, tls.Peer, from, cancellation).ConfigureAwait(false);
            }
            else
            {
                await ServeWebAsync(tls, cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            _connections.End(from);
        }
    }

    private async Task ServeWebAsync(TlsConnection tls, CancellationToken cancellation)
    {
        await using (tls.ConfigureAwait(false))
        {
            if (_settings.Decoy is { } decoy)
            {
                IConnection web = await decoy(cancellation).ConfigureAwait(false);
                await Relay.RunAsync(tls, web, Web, cancellation).ConfigureAwait(false);
            }
        }
    }

    private Task ServeUnixAsync(SocketConnection connection, CancellationToken cancellation) => _gateway!.ServeAsync(connection, null, null, cancellation);

    private async Task ServeStandardStreamsAsync()
    {
        await _gateway!.ServeAsync(StandardStreams.Open(), null, null, _stop.Token).ConfigureAwait(false);
        if (_settings.Listen.All(static address => address.Kind == ListenKind.Stdio))
        {
            _completion.TrySetResult();
        }
    }

    private T Part<T>(T part)
        where T : IDisposable
    {
        _parts.Add(new Later(part));
        return part;
    }

    /// <summary>The rules of the command line, and those of the file behind them; the same list as long as they are the same.</summary>
    private sealed class CommonRules(IReadOnlyList<PolicyRule> typed, RulesFile? file)
    {
        private (IReadOnlyList<PolicyRule> File, IReadOnlyList<PolicyRule> All) _last = ([], typed);

        public IReadOnlyList<PolicyRule> Now()
        {
            if (file is null)
            {
                return typed;
            }

            IReadOnlyList<PolicyRule> rules = file.Rules;
            lock (file)
            {
                if (!ReferenceEquals(rules, _last.File))
                {
                    _last = (rules, [.. typed, .. rules]);
                }

                return _last.All;
            }
        }
    }

    /// <summary>The file of a Unix socket, removed in the end.</summary>
    private sealed class Removed(string path) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            File.Delete(path);
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Later(IDisposable part) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            part.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
