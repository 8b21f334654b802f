using System;
using System.Collections.Generic;
using System.Text.Json;
using Culvert.Tests.Lab;

namespace Culvert.Tests.EndToEnd.Up;

/// <summary>A test of <c>culvert up</c>: the client is a machine whose whole traffic is to be carried.</summary>
public abstract class UpTest(LabFixture fixture) : LabTest(fixture)
{
    /// <summary>What asks the internet who is there.</summary>
    protected const string Who = "curl -sS --max-time 10 http://v4.lab.example/who";

    /// <summary>The answer to <see cref="Who"/> through a proxy on the exit.</summary>
    protected const string FromTheExit = "198.51.100.10\n";

    /// <summary>The answer to <see cref="Who"/> through the direct exit.</summary>
    protected const string FromTheClient = "192.0.2.10\n";

    /// <summary>The SOCKS5 exit of the lab.</summary>
    protected string Socks => $"socks5://{Network.Exit.V4}:1080";

    /// <summary>Brings a tunnel up on the client; it is ended at the end of the test.</summary>
    private protected RunningTunnel Up(string arguments, IReadOnlyDictionary<string, string?>? environment = null) => Up(Line("up", arguments), environment);

    /// <summary>The same as a user of the client's own system.</summary>
    private protected RunningTunnel Up(string arguments, int user) => Up(CulvertProgram.LineOf(Network, user, ["up", .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)]), null);

    private protected RunningTunnel Up(string[] line, IReadOnlyDictionary<string, string?>? environment = null)
    {
        RunningTunnel tunnel = new(Network.Client.Start(line, new CommandOptions { TimeOut = TimeSpan.FromMinutes(3), Environment = environment ?? new Dictionary<string, string?>() }));
        try
        {
            tunnel.WaitFor(" is up, through ");
            return Own(tunnel);
        }
        catch
        {
            tunnel.Dispose();
            throw;
        }
    }

    /// <summary>Runs another command of Culvert on the client.</summary>
    protected CommandResult Culvert(string command, string arguments = "") => Network.Client.Run(Line(command, arguments));

    /// <summary>Runs a line of bash on the client, in the tunnel like everything there.</summary>
    protected CommandResult Here(string line) => Network.Client.Shell(line);

    /// <summary>One field of the status.</summary>
    protected string Status(string field)
    {
        using JsonDocument document = JsonDocument.Parse(Culvert("status", "--json").Output);
        return document.RootElement.TryGetProperty(field, out JsonElement value) ? value.ToString() : "";
    }

    /// <summary>The command line of a command of Culvert.</summary>
    protected static string[] Line(string command, string arguments = "") => CulvertProgram.Line([command, .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
}
