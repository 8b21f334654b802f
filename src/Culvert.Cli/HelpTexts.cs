using System;
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.IO;
using Culvert.Cli.Commands;

namespace Culvert.Cli;

/// <summary>Adds to the generated help what people copy from: examples, and the table of exits.</summary>
internal static class HelpTexts
{
    private const string Exits = """
        EXIT, where the traffic leaves (direct: when left out):
          direct:                          this machine itself; needs no server
          socks5://[user:password@]host[:1080]   a SOCKS5 proxy; names are resolved there
          http://[user:password@]host[:80]       an HTTP proxy (CONNECT; no UDP)
          NAME                             a gateway that this machine is paired with (culvert serve, on the other one)
          tls://[key@]host[:7443]          the same by its address, and by its key's hash where it is not paired
          unix:PATH                        a gateway on this machine

        """;

    private const string RootExamples = """
        Examples:
          culvert run -- curl -sS https://example.com
          culvert run socks5://user:password@host:1080 -- git clone https://host/repository
          culvert up socks5://host:1080            all traffic of this machine
          culvert proxy http://proxy:3128
          culvert proxy -L 5432:db.internal:5432

        """;

    private const string RunExamples = """
        Examples:
          culvert run -- curl -sS https://example.com
          culvert run -- bash                      a shell whose every packet is tunnelled
          culvert run socks5://host:1080 --dns virtual -- git clone https://host/repository

        Exit code: the command's own; 125 when Culvert failed, 126 when the command cannot be executed, 127 when
        it was not found, 128 + n when signal n ended it.

        """;

    private const string UpExamples = """
        Profiles: [exit.home] with uri = "…" and the options' names (dns, exclude, lan, kill-switch, …; also post-up and
        pre-down, programs with their arguments) in ~/.config/culvert/config.toml.

        Examples:
          culvert up                               through this machine's own network, filtered and refused as a tunnel is
          culvert up socks5://user:password@host:1080 --exclude 10.0.0.0/8 --exclude bank.example
          culvert up home --kill-switch --detach   a profile; 'culvert status' tells how it is, 'culvert down' ends it

        """;

    private const string ProxyExamples = """
        Examples:
          culvert proxy                            SOCKS5 and HTTP on 127.0.0.1:1080
          culvert proxy socks5://host:1080 --listen 127.0.0.1:8080
          culvert proxy -L 5432:db.internal:5432 -L /tmp/web.sock:intranet:80
          curl -x socks5h://127.0.0.1:1080 https://example.com

        """;

    private const string ServeExamples = """
        RULES, with commas between; the first that speaks of a destination decides: WHAT[:PORT[-PORT]][/tcp|/udp|/ping], where WHAT is an
        address, a range, a host, *.domain or *. Private, loopback and the like are closed unless a rule names them.

        Examples:
          culvert serve                            on every address, port 7443, for the devices it is paired with
          culvert serve --allow 192.168.1.0/24:445 --deny '*:25'
          culvert serve --require-interface wg0    share a VPN; nothing leaves while it is down
          culvert serve --qr pair.png              the QR code to pair with as a picture too
          culvert serve --listen stdio             one device, over this program's own standard input and output

        Lines of who comes and goes go to standard error; docs/fail2ban has a filter that reads them.

        """;

    private const string PairExamples = """
        On the gateway, 'culvert serve' shows the code. Exit code: 5 when the code is wrong or was used, when the gateway has another key than
        it should, and when the digits differ; 4 when somebody said no there; 6 when it cannot be reached.

        Examples:
          culvert pair home                        a gateway on this network, by its name; its code is asked for
          culvert pair K7QM-2X94                   the only gateway on this network, by its code
          culvert pair 'culvert://pair?key=…'      anywhere; nothing to type or to compare here
          culvert pair tls://gateway.example:7443 --as laptop

        """;

    private const string DevicesExamples = """
        Examples:
          culvert devices list
          culvert devices rename laptop 'Anna laptop'
          culvert devices revoke laptop            its sessions end at once
          culvert devices revoke home --gateway    a gateway of this machine, where a device has the same name

        """;

    public static HelpOption Option()
    {
        HelpOption help = new();
        help.Action = new HelpWithMore((HelpAction)help.Action!);
        return help;
    }

    private static string For(Command command) => command switch
    {
        { Name: "culvert" } => Exits + "\n" + RootExamples,
        { Name: RunCommand.Name } => Exits + "\n" + RunExamples,
        { Name: UpCommand.Name } => Exits + "\n" + UpExamples,
        { Name: ServeCommand.Name } => ServeExamples,
        { Name: PairCommand.Name } => PairExamples,
        { Name: DevicesCommand.Name } => DevicesExamples,
        { Name: ProxyCommand.Name } => Exits + "\n" + ProxyExamples,
        _ => "",
    };

    private sealed class HelpWithMore(HelpAction generated) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            TextWriter output = parseResult.InvocationConfiguration.Output;
            using StringWriter text = new();
            parseResult.InvocationConfiguration.Output = text;
            generated.Invoke(parseResult);
            parseResult.InvocationConfiguration.Output = output;

            // What stands behind -- is no part of the model that the help is generated from.
            output.Write(text.ToString().Replace("run [<EXIT>] [options]", "run [<EXIT>] [options] -- COMMAND [ARGUMENT...]", StringComparison.Ordinal).TrimEnd());
            output.Write("\n\n");
            output.Write(For(parseResult.CommandResult.Command));
            return ExitCodes.Ok;
        }
    }
}
