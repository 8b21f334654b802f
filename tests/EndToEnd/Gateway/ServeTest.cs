using System;
using System.Collections.Generic;
using System.IO;
using Culvert.Tests.EndToEnd.Up;
using Culvert.Tests.Lab;
using Culvert.Trust;

namespace Culvert.Tests.EndToEnd.Gateway;

/// <summary>A test of <c>culvert serve</c> on the exit host, and of the client that leaves through it, paired beforehand.</summary>
public abstract class ServeTest : UpTest, IDisposable
{
    /// <summary>The lab's addresses are all of ranges that a gateway does not open by itself.</summary>
    protected const string LabRules = "203.0.113.0/24,2001:db8:3::/64";

    private const int Interrupt = 2;

    private readonly string _directory;

    /// <summary>Pairs the client (<c>laptop</c>) with a gateway on the exit (<c>home</c>); only that gateway may be spoken to.</summary>
    protected ServeTest(LabFixture fixture)
        : base(fixture)
    {
        _directory = Path.Combine(Network.Temporary, $"serve-{Guid.NewGuid():N}");
        OnlyTheExit(7443);
        using Identity gateway = Identity.Load(StoreOf("gateway"));
        using Identity device = Identity.Load(StoreOf("device"));
        using TrustStore ofGateway = new(StoreOf("gateway"), static _ => { });
        using TrustStore ofDevice = new(StoreOf("device"), static _ => { });
        ofGateway.Add(new TrustedPeer { Kind = PeerKind.Device, Name = "laptop", Key = device.Hash, Added = DateTimeOffset.UtcNow });
        ofDevice.Add(new TrustedPeer { Kind = PeerKind.Gateway, Name = "home", Key = gateway.Hash, Added = DateTimeOffset.UtcNow, Addresses = [$"tls://{Network.Exit.V4}:7443"] });
        GatewayKey = gateway.Hash.ToString();
    }

    /// <summary>The hash of the gateway's key.</summary>
    protected string GatewayKey { get; }

    /// <summary>The variables of a device's commands.</summary>
    protected IReadOnlyDictionary<string, string?> Device => Of("device");

    /// <summary>The variables of a gateway's commands.</summary>
    protected IReadOnlyDictionary<string, string?> Gateway => Of("gateway");

    /// <summary>Starts <c>culvert serve</c> on the exit; it is ended at the end of the test as by Ctrl-C.</summary>
    protected Command Serve(string arguments = "")
    {
        Command serving = Own(new Ended(Network.Exit.Start(Line("serve", $"--allow {LabRules} {arguments}"), new CommandOptions { Environment = Gateway, TimeOut = TimeSpan.FromMinutes(5) }))).Command;
        serving.WaitFor("the key's hash is");
        return serving;
    }

    /// <summary>Brings the client's whole traffic up through the gateway <c>home</c>.</summary>
    private protected RunningTunnel UpHome(string arguments = "") => Up($"home {arguments}", Device);

    /// <summary>Runs a command of Culvert on the client, as the paired device.</summary>
    protected CommandResult OnDevice(params string[] arguments) => Network.Client.Run(CulvertProgram.Line(arguments), new CommandOptions { Environment = Device });

    /// <summary>Runs a command of Culvert on the exit, where the gateway's store is.</summary>
    protected CommandResult OnGateway(params string[] arguments) => Network.Exit.Run(CulvertProgram.Line(arguments), new CommandOptions { Environment = Gateway });

    /// <summary>Ends what the test owns, looks for leaks, and removes the stores.</summary>
    void IDisposable.Dispose()
    {
        GC.SuppressFinalize(this);
        try
        {
            Dispose();
        }
        finally
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    private string StoreOf(string who) => Path.Combine(_directory, who, "culvert");

    private Dictionary<string, string?> Of(string who) => new() { ["XDG_CONFIG_HOME"] = Path.Combine(_directory, who) };

    private sealed class Ended(Command command) : IDisposable
    {
        internal Command Command => command;

        public void Dispose()
        {
            using (command)
            {
                command.Signal(Interrupt);
                CommandResult result = command.Wait();
                if (result.ExitCode is not (0 or 130 or 137))
                {
                    throw new InvalidOperationException("The gateway did not end as it should: " + result);
                }
            }
        }
    }
}
