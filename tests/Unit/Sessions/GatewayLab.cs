using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Gateway;
using Culvert.Tests.Unit.Flows;
using Culvert.Transports;
using Culvert.Trust;

namespace Culvert.Tests.Unit.Sessions;

/// <summary>A gateway that trusts one device, and that device's exit, over wires that the test makes and breaks.</summary>
internal sealed class GatewayLab : ITransport, IAsyncDisposable
{
    public static readonly Destination Echo = new("1.1.1.1", FarHosts.Echo);

    private readonly string _directory = Directory.CreateTempSubdirectory("culvert-gateway-").FullName;
    private readonly Identity _identity = Identity.CreateTemporary();

    public GatewayLab(GatewayOptions? options = null, GatewayExitOptions? exit = null)
    {
        Options = options ?? GatewayOptions.Default;
        Trust = new TrustStore(_directory, static _ => { });
        Trust.Add(new TrustedPeer { Kind = PeerKind.Device, Name = "laptop", Key = _identity.Hash, Added = DateTimeOffset.UnixEpoch });
        Key = _identity.Hash;
        Gateway = NewGateway();
        Exit = new GatewayExit([this], exit ?? GatewayExitOptions.Default);
    }

    public GatewayOptions Options { get; }

    public TrustStore Trust { get; }

    public FarHosts Hosts { get; } = new();

    public VshpGateway Gateway { get; private set; }

    public GatewayExit Exit { get; }

    /// <summary>The key that the device shows.</summary>
    public KeyHash? Key { get; set; }

    /// <summary>How many bytes the next wire lasts.</summary>
    public Func<long> Lasts { get; set; } = static () => long.MaxValue;

    /// <summary>The wire that was opened last.</summary>
    public Wire? Wire { get; private set; }

    /// <summary>Wires opened.</summary>
    public int Opened { get; private set; }

    public string Description => "wire:";

    public ValueTask<IConnection> OpenAsync(CancellationToken cancellation)
    {
        Opened++;
        return ValueTask.FromResult(Open(Key));
    }

    /// <summary>A wire to the gateway, for tests that speak by themselves.</summary>
    public IConnection Open(KeyHash? key)
    {
        Wire = new Wire(Lasts());
        _ = Gateway.ServeAsync(Wire.Far, key, null, default);
        return Wire.Near;
    }

    /// <summary>The gateway dies without a word, and another is in its place, which knows nothing of it.</summary>
    public void Restart()
    {
        Gateway = NewGateway();
        Wire!.Break();
    }

    public async ValueTask DisposeAsync()
    {
        await Exit.DisposeAsync().AsTask().WaitAsync(Patience.Soon);
        await Gateway.DisposeAsync().AsTask().WaitAsync(Patience.Soon);
        Trust.Dispose();
        _identity.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private VshpGateway NewGateway() => new(Hosts, static _ => new Policy([], static _ => false), ExitOptions.Default, Trust, Options);
}
