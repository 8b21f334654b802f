using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core.Session;
using Culvert.Flows;
using Culvert.Pairing;
using Culvert.Tests.Lab;
using Culvert.Transports;
using Culvert.Trust;
using Xunit;

namespace Culvert.Tests.EndToEnd.Gateway;

/// <summary>A gateway on the machine next door and a device, each with a person at a terminal.</summary>
public sealed partial class PairingTests : LabTest
{
    private const string LabRules = "203.0.113.0/24,2001:db8:3::/64";
    private const string Yes = "y";
    private const string No = "n";

    private readonly string _directory;
    private readonly Terminal _atGateway;
    private readonly Terminal _atDevice;

    public PairingTests(LabFixture fixture)
        : base(fixture)
    {
        _directory = Directory.CreateDirectory(Path.Combine(Network.Temporary, $"pairing-{Guid.NewGuid():N}")).FullName;
        Own(new Removed(_directory));
        Only("gateways, and multicast DNS", packet => packet is { Protocol: 6, Port: 7443 or 7444 } || (packet is { Protocol: 17, Port: 5353, Destination: { } to } && (to.IsIPv6Multicast || to.GetAddressBytes()[0] is >= 224 and < 240)));
        _atGateway = Own(new Terminal(Network, Network.Lan, 50));
        _atDevice = Own(new Terminal(Network, Network.Client, 50));
        _atGateway.Type("modes=$(stty -g)");
        _atDevice.Type("modes=$(stty -g)");
    }

    [LabFact("tmux")]
    public void TwoPeoplePairByNameAndCodeAndTheDeviceLeavesThroughTheGateway()
    {
        string code = Serve();
        _atDevice.Type(Line("device", "nearby"));
        _atDevice.WaitFor($"home  {Network.Lan.V4}:7443");
        _atDevice.Type($"{Line("device", "pair", "home", "--as", "laptop")}; echo paired$((1))=$?");
        _atDevice.WaitFor("The code that 'home' shows:");
        _atDevice.Type(code.ToLowerInvariant());
        Assert.Equal(DigitsAt(_atDevice, "the digits are"), DigitsAt(_atGateway, "must be"));
        _atDevice.Type(Yes);
        _atDevice.WaitFor("Waiting for somebody at 'home' to say yes");
        Assert.DoesNotContain("laptop", Run(Network.Lan, "gateway", "devices", "list").Output, StringComparison.Ordinal);
        _atGateway.Type(Yes);
        _atDevice.WaitFor("paired1=0");
        _atGateway.WaitFor("'laptop' (192.0.2.10) is paired.");
        Assert.Equal($"{Network.Lan.V4}\n", Run(Network.Client, "device", "run", "home", "--", "curl", "-sS", "--max-time", "10", "http://v4.lab.example/who").Ok().Output);

        // A used code is said to be one, also when there is another; and Enter shows another.
        CommandResult again = Run(Network.Client, "stranger", "pair", $"tls://{Network.Lan.V4}:7443", "--code", code);
        Assert.Equal(2, again.ExitCode); // no terminal to compare digits at
        _atDevice.Type($"{Line("stranger", "pair", "home", "--code", code)}; echo used$((1))=$?");
        _atDevice.WaitFor("used1=5");
        _atDevice.WaitFor("it was used");
        _atGateway.Type("");
        Until.True(() => Code(_atGateway) is { } next && next != code, "another code");
        End();
    }

    [LabFact("tmux", "zbarimg")]
    public void TheQrCodeIsReadFromTheScreenInAnyThemeAndPairs()
    {
        string picture = Path.Combine(_directory, "pair.png");
        Serve("--qr", picture);
        string look = _atGateway.Look();
        string uri = Decode(new Screenshot(look, dark: true));
        Assert.Equal(uri, Decode(new Screenshot(look, dark: false)));
        Assert.Equal(uri, Decode(picture));
        Assert.True(PairUri.TryParse(uri, out PairUri read, out string problem), problem);
        Assert.Equal(("home", $"{Network.Lan.V4}:7443"), (read.Name, read.Addresses[0]));
        Assert.Equal("600", LabNetwork.System($"stat -c %a {picture}").Trim());

        // Another key than the one in it: refused before anything is said, and nobody is asked.
        PairUri other = read with { Key = new Bytes32(new byte[32]) };
        CommandResult changed = Run(Network.Client, "device", "pair", other.ToString());
        Assert.Equal(5, changed.ExitCode);
        Assert.Contains("is not who it should be", changed.Error, StringComparison.Ordinal);
        CommandResult away = Run(Network.Client, "device", "pair", (read with { Addresses = [$"{Network.Lan.V4}:7444"] }).ToString());
        Assert.Equal(6, away.ExitCode);

        // It needs no terminal at the device: the key is known. A person at the gateway says no, and then yes.
        using (Command refused = Network.Client.Start(CulvertProgram.Line("pair", uri, "--as", "laptop"), Of("device")))
        {
            refused.WaitFor("the digits are");
            _atGateway.WaitFor("shall it be paired?");
            _atGateway.Type(No);
            Assert.Equal(4, refused.Wait().ExitCode);
        }

        _atGateway.WaitFor("Press Enter");
        _atGateway.Type("");
        Until.True(() => Uri(_atGateway) is { } shown && shown != uri, "another URI");
        using Command pairing = Network.Client.Start(CulvertProgram.Line("pair", Uri(_atGateway)!, "--as", "laptop"), Of("device"));
        pairing.WaitFor("somebody at 'home'");
        _atGateway.WaitFor($"must be {Regex.Match(pairing.Error, "the digits are ([0-9]{3} [0-9]{3})").Groups[1].Value}"); // this question, not the one before
        _atGateway.Type(Yes);
        Assert.Equal(0, pairing.Wait().Ok().ExitCode);
        End();
    }

    [LabFact("tmux")]
    public async Task AManInTheMiddleShowsInTheDigits()
    {
        string code = Serve();
        using Identity mallory = Identity.CreateTemporary();
        using Socket listener = Network.Exit.Listen(7443, Network.Exit.V4);
        Task middle = InTheMiddleAsync(listener, mallory, code);
        _atDevice.Type($"{Line("device", "pair", $"tls://{Network.Exit.V4}:7443", "--code", code)}; echo paired$((1))=$?");
        string atDevice = DigitsAt(_atDevice, "the digits are");
        string atGateway = DigitsAt(_atGateway, "must be");
        Assert.NotEqual(atGateway, atDevice);
        _atDevice.Type(No);
        _atDevice.WaitFor("paired1=5");
        _atDevice.WaitFor("The digits differ");
        _atGateway.Type(No);
        await middle.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal("", Run(Network.Lan, "gateway", "devices", "list").Output);
        Assert.Equal("", Run(Network.Client, "device", "devices", "list").Output);
        End();
    }

    [LabFact("tmux")]
    public void TheTerminalIsLeftAsItWasAtEveryQuestion()
    {
        string code = Serve();
        _atDevice.Type($"{Line("device", "pair", "home")}; echo first$((1))=$?");
        _atDevice.WaitFor("The code that 'home' shows:");
        _atDevice.Key("C-c");
        _atDevice.WaitFor("first1=130");
        Unchanged(_atDevice, 1);
        _atDevice.Type($"{Line("device", "pair", "home", "--code", code)}; echo second$((1))=$?");
        _atDevice.WaitFor("Does 'home' show the same digits?");
        _atGateway.WaitFor("shall it be paired?");
        _atDevice.Key("C-c");
        _atDevice.WaitFor("second1=130");
        Unchanged(_atDevice, 2);
        _atGateway.WaitFor("was not paired: it went away");
        _atDevice.Type($"{Line("device", "pair", "home", "--code", code)}; echo third$((1))=$?");
        _atDevice.WaitFor("Does 'home' show the same digits?");
        _atGateway.Key("C-c"); // at the question
        _atGateway.WaitFor("served1=130");
        _atDevice.WaitFor("third1=6");
        Unchanged(_atGateway, 1);
        Unchanged(_atDevice, 3);
    }

    private static string Decode(string file) => LabNetwork.System($"zbarimg -q --raw -Sdisable -Sqrcode.enable {file}").Trim();

    private static string? Code(Terminal terminal) => CodeText().Matches(terminal.Screen()).LastOrDefault()?.Groups[1].Value;

    private static string? Uri(Terminal terminal) => UriText().Matches(terminal.Screen().Replace("\n", "", StringComparison.Ordinal)).LastOrDefault()?.Groups[1].Value;

    private static string DigitsAt(Terminal terminal, string before)
    {
        terminal.WaitFor(before);
        string digits = "";
        Until.True(() => (digits = Regex.Match(terminal.Screen(), before + " ([0-9]{3} [0-9]{3})").Groups[1].Value).Length > 0, "six digits");
        return digits;
    }

    [GeneratedRegex("this code: ([0-9A-Z]{4}-[0-9A-Z]{4})")]
    private static partial Regex CodeText();

    [GeneratedRegex("culvert pair '(culvert://[^']*)'")]
    private static partial Regex UriText();

    private static void Unchanged(Terminal terminal, int time)
    {
        terminal.Type($"[ \"$modes\" = \"$(stty -g)\" ] && echo unchanged$((1))-{time}");
        terminal.WaitFor($"unchanged1-{time}");
    }

    private string Decode(Screenshot screenshot)
    {
        string file = Path.Combine(_directory, "screen.pgm");
        screenshot.Save(file);
        return Decode(file);
    }

    private string Serve(params string[] options)
    {
        _atGateway.Type($"{Line("gateway", ["serve", "--name", "home", "--allow", LabRules, .. options])}; echo served$((1))=$?");
        _atGateway.WaitFor("You will be asked before anybody is trusted.");
        return Code(_atGateway)!;
    }

    private void End()
    {
        _atGateway.Key("C-c");
        _atGateway.WaitFor("served1=130");
        Unchanged(_atGateway, 9);
        Unchanged(_atDevice, 9);
    }

    private string Line(string who, params string[] arguments) => $"XDG_CONFIG_HOME={Path.Combine(_directory, who)} {string.Join(' ', Terminal.Quote(CulvertProgram.Line(arguments)))}";

    private CommandOptions Of(string who) => new() { Environment = new Dictionary<string, string?> { ["XDG_CONFIG_HOME"] = Path.Combine(_directory, who) } };

    private CommandResult Run(Host host, string who, params string[] arguments) => host.Run(CulvertProgram.Line(arguments), Of(who));

    /// <summary>He has seen the code, and speaks to both with a key of his own.</summary>
    private async Task InTheMiddleAsync(Socket listener, Identity mallory, string code)
    {
        Assert.True(PairCode.TryRead(code, out byte[] secret));
        TlsServer server = new(new TlsServerOptions { Certificate = TlsServer.CertificateOf(mallory) });
        await using TlsConnection device = await server.AcceptAsync(new SocketConnection(await listener.AcceptAsync(), "the device"), null, default);
        using Socket socket = Network.Exit.NewSocket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(Network.Lan.V4, 7443));
        TlsTransport transport = new(new Given(new SocketConnection(socket, "the gateway")), new TlsClientOptions { Pin = null, AnyKey = true, Identity = mallory });
        await using TlsConnection gateway = await transport.OpenAsync(default);

        PairDevice asDevice = new(mallory.Hash.ToBytes32(), gateway.Peer!.Value.ToBytes32(), new Bytes32(new byte[32]), secret, "laptop");
        await PumpAsync(gateway, asDevice, () => asDevice.State == PairDeviceState.Comparing);
        asDevice.Confirm();
        await PumpAsync(gateway, asDevice, static () => true);

        byte[] offer = new byte[FirstFrame.MaxSize];
        int count = await device.ReadAsync(offer);
        Assert.Equal(FirstFrameKind.Pairing, FirstFrame.Read(offer.AsSpan(0, count), out FirstFrame first));
        PairGateway asGateway = new(device.Peer!.Value.ToBytes32(), mallory.Hash.ToBytes32(), first.Offer, new Bytes32(new byte[32]), "home");
        await PumpAsync(device, asGateway, () => asGateway.State == PairGatewayState.Revealed);
        asGateway.Prove(secret);
        await PumpAsync(device, asGateway, () => asGateway.Outcome is not null);
        Assert.Equal(VshpReason.Untrusted, asGateway.Outcome);
    }

    private static async Task PumpAsync(TlsConnection connection, PairSide side, Func<bool> done)
    {
        byte[] buffer = new byte[1024];
        while (true)
        {
            await connection.WriteAsync(new System.Buffers.ReadOnlySequence<byte>(side.TakeOutput()));
            if (done())
            {
                return;
            }

            int count = await connection.ReadAsync(buffer);
            Assert.NotEqual(0, count);
            side.Receive(buffer.AsSpan(0, count));
        }
    }

    private sealed class Given(IConnection connection) : ITransport
    {
        public string Description => "the gateway";

        public ValueTask<IConnection> OpenAsync(CancellationToken cancellation) => ValueTask.FromResult(connection);
    }

    private sealed class Removed(string directory) : IDisposable
    {
        public void Dispose() => Directory.Delete(directory, recursive: true);
    }
}
