using System;
using System.CommandLine;
using System.Threading.Tasks;

namespace Culvert.Cli.Commands;

/// <summary><c>culvert proxy [EXIT]</c>: SOCKS5 and HTTP on one local port, and forwards; no privileges.</summary>
internal static class ProxyCommand
{
    public const string Name = "proxy";

    private static readonly Option<string[]> Listen = new("--listen")
    {
        Description = "Where to listen; may be repeated. 'none' for forwards only",
        HelpName = "ADDRESS:PORT",
        DefaultValueFactory = static _ => ["127.0.0.1:1080"],
    };

    private static readonly Option<string?> Auth = new("--auth")
    {
        Description = "Ask clients for this user and password; @FILE reads USER:PASSWORD from a file",
        HelpName = "USER:PASSWORD",
    };

    private static readonly Option<string[]> Forward = new("--forward", "-L")
    {
        Description = "Forward [BIND:]PORT:HOST:HOSTPORT, or unix sockets in place of either; may be repeated",
        HelpName = "SPEC",
    };

    public static Command Declaration { get; } = Declare();

    private static Command Declare()
    {
        Command command = new(Name, "Offer a SOCKS5 and HTTP proxy on one local port, and forwards")
        {
            CommonOptions.Exit, Listen, Auth, Forward, CommonOptions.Via, CommonOptions.Verbose, CommonOptions.Quiet,
        };
        command.SetAction(static (parsed, _) => RunAsync(parsed));
        return command;
    }

    private static Task<int> RunAsync(ParseResult parsed) => throw new NotImplementedException();
}
