using System.CommandLine;

namespace Culvert.Cli.Commands;

/// <summary>Options that mean the same wherever they stand.</summary>
internal static class CommonOptions
{
    public static Argument<string?> Exit { get; } = new("EXIT")
    {
        Description = "Where the traffic leaves: a URI, or the name of a paired gateway (direct: when left out)",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public static Option<string?> Via { get; } = new("--via")
    {
        Description = "Reach the exit through this proxy: socks5://… or http://…",
        HelpName = "EXIT",
    };

    public static Option<bool> Verbose { get; } = new("--verbose", "-v") { Description = "Say what is being done, also when no terminal is there" };

    public static Option<bool> Quiet { get; } = new("--quiet", "-q") { Description = "Say nothing but errors" };

    public static Messages MessagesFor(ParseResult parsed) => new(
        parsed.GetValue(Quiet) ? Verbosity.Quiet : parsed.GetValue(Verbose) ? Verbosity.Verbose : Verbosity.Normal);
}
