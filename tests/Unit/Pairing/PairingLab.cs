using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core.Session;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Gateway;
using Culvert.Pairing;
using Culvert.Platform.Files;
using Culvert.Tests.Unit.Exits;
using Culvert.Tests.Unit.Flows;
using Culvert.Tests.Unit.Sessions;
using Culvert.Trust;

namespace Culvert.Tests.Unit.Pairing;

/// <summary>A gateway with a desk and a device with a trust store of its own, over wires inside the process; who answers the questions is the test.</summary>
internal sealed class PairingLab : IDisposable
{
    public static readonly KeyHash Gateway = Key("gateway");
    public static readonly KeyHash Device = Key("device");
    public static readonly IPAddress From = IPAddress.Parse("192.0.2.9");

    private readonly string _directory = Directory.CreateTempSubdirectory("culvert-pairing-").FullName;
    private readonly PairingDesk _desk;
    private readonly VshpGateway _gateway;

    public PairingLab(PairLimits? limits = null)
    {
        AtGateway = new TrustStore(Path.Combine(_directory, "gateway"), static _ => { }) { Watched = step => GatewayDisk(step) };
        AtDevice = new TrustStore(Path.Combine(_directory, "device"), static _ => { }) { Watched = step => DeviceDisk(step) };
        _desk = new PairingDesk(Gateway, AtGateway, new PairingDeskOptions
        {
            Name = "home",
            Addresses = static () => ["192.0.2.7:7443"],
            Approve = (request, cancellation) =>
            {
                Requests.Add(request);
                return Approve(request, cancellation);
            },
            Limits = limits ?? PairLimits.Default,
            Clock = Clock,
            Say = Said.Add,
            Closed = () => Closed++,
        });
        _gateway = new VshpGateway(new FarHosts(), static _ => new Policy([], static _ => false), ExitOptions.Default, AtGateway, new GatewayOptions { Pairing = _desk });
    }

    public ManualClock Clock { get; } = new();

    public TrustStore AtGateway { get; }

    public TrustStore AtDevice { get; }

    /// <summary>What the gateway's owner was asked.</summary>
    public List<PairingRequest> Requests { get; } = [];

    public List<string> Said { get; } = [];

    public int Closed { get; private set; }

    /// <summary>What the gateway's owner says.</summary>
    public Func<PairingRequest, CancellationToken, Task<bool>> Approve { get; set; } = static (_, _) => Task.FromResult(true);

    /// <summary>What the person at the device says of digits and gateway.</summary>
    public Func<string, CancellationToken, Task<bool>> Compare { get; set; } = static (_, _) => Task.FromResult(true);

    public Action<AtomicStep> GatewayDisk { get; set; } = static _ => { };

    public Action<AtomicStep> DeviceDisk { get; set; } = static _ => { };

    public bool GatewayTrusts => AtGateway.Find(PeerKind.Device, Device) is not null;

    public bool DeviceTrusts => AtDevice.Find(PeerKind.Gateway, Gateway) is not null;

    public static KeyHash Key(string seed) => KeyHash.Read(SHA256.HashData(Encoding.UTF8.GetBytes(seed)));

    public static void FullDisk(AtomicStep step)
    {
        if (step == AtomicStep.Flush)
        {
            throw new IOException("No space left on device.");
        }
    }

    public PairingInvitation Invite() => _desk.Invite();

    /// <summary>A wire to the gateway on which the device shows this key.</summary>
    public (Wire Wire, Task Served) Open(KeyHash shown, long lasts = long.MaxValue)
    {
        Wire wire = new(lasts);
        return (wire, _gateway.ServeAsync(wire.Far, shown, From, default));
    }

    /// <summary>Pairs with a code, over a wire that lasts so many bytes, and waits for the gateway to be done with it too.</summary>
    public async Task<TrustedPeer> PairAsync(string code, long lasts = long.MaxValue)
    {
        (Wire wire, Task served) = Open(Device, lasts);
        try
        {
            return await PairAsync(code, wire.Near, Gateway);
        }
        finally
        {
            await served.WaitAsync(Patience.Soon);
        }
    }

    /// <summary>Pairs over any connection, with a gateway that has shown <paramref name="shown"/>.</summary>
    public async Task<TrustedPeer> PairAsync(string code, IConnection connection, KeyHash shown)
    {
        PairCode.TryRead(code, out byte[] secret);
        DevicePairing pairing = new() { Device = Device, Gateway = shown, Secret = secret, Name = "laptop", Compare = (digits, _, cancellation) => Compare(digits, cancellation) };
        try
        {
            string name = await pairing.RunAsync(connection, default).AsTask().WaitAsync(Patience.Soon);
            return pairing.Keep(AtDevice, name, ["tls://192.0.2.7:7443"], DateTimeOffset.UnixEpoch);
        }
        finally
        {
            connection.Abort();
        }
    }

    public void Dispose()
    {
        AtGateway.Dispose();
        AtDevice.Dispose();
        _desk.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
