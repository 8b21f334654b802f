using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;

namespace Culvert.Bench.Running;

/// <summary>A way for the load to reach its target: straight, through Culvert, or through a peer.</summary>
/// <param name="Name">Its name on the command line and in the results.</param>
/// <param name="Command">
/// Its command, in the client's namespace. <c>{command}</c> stands for the program to carry; where it is missing, this is a SOCKS5 proxy that is to
/// listen on <c>{proxy}</c>. <c>{socks}</c> stands for a fast SOCKS5 server on the far side, <c>{directory}</c> for one to write to.
/// </param>
internal sealed record Contender(string Name, IReadOnlyList<string> Command)
{
    private const string Carried = "{command}";
    private const int FirstFarPort = 30_000;

    /// <summary>What every other is compared to.</summary>
    internal const string RawName = "raw";

    /// <summary>The files that the command wants in its directory: name and text, with the same place-holders.</summary>
    internal IReadOnlyDictionary<string, string> Files { get; init; } = new Dictionary<string, string>();

    /// <summary>What it needs on the exit, which says <c>= ready</c> when it is; empty for nothing. <c>{far-port}</c> stands for a port of its own there, <c>{tunnel-near}</c>
    /// and <c>{tunnel-far}</c> for two addresses that the far side finds behind the exit.</summary>
    internal IReadOnlyList<string> FarEnd { get; init; } = [];

    /// <summary>True when it changes routes or rules, and so runs on a host of its own (with its load), behind a wire to the exit.</summary>
    internal bool WantsHost { get; init; }

    /// <summary>True for Culvert's own.</summary>
    internal bool IsCulvert { get; init; }

    /// <summary>True for the session by itself, both ends of which are the load program's own; it is measured by rows of its own, next to TLS alone.</summary>
    internal bool IsSession { get; init; }

    /// <summary>True for the same work without anything in between.</summary>
    internal bool IsRaw => Name == RawName;

    /// <summary>True when it starts and carries one program.</summary>
    internal bool Carries => Command.Any(word => word.Contains(Carried, StringComparison.Ordinal));

    /// <summary>True when it goes through the far side's SOCKS server.</summary>
    internal bool UsesFarSocks => Command.Concat(Files.Values).Any(text => text.Contains("{socks", StringComparison.Ordinal));

    /// <summary>The command line that carries <paramref name="program"/> (or, for a proxy, listens on <paramref name="proxy"/>).</summary>
    internal IEnumerable<string> CommandFor(IReadOnlyList<string> program, IPEndPoint proxy, string directory) => Command.SelectMany(word =>
        word == Carried ? program : [Fill(word, proxy, directory).Replace(Carried, string.Join(' ', program), StringComparison.Ordinal)]);

    /// <summary>Fills the place-holders of a word or a file's text.</summary>
    internal static string Fill(string text, IPEndPoint proxy, string directory)
    {
        int number = proxy.Port - Premises.FirstPort;
        (IPAddress near, IPAddress far) = BenchNetwork.Pair("10.8", number);
        (string Holder, string Value)[] values =
        [
            ("{proxy}", $"{proxy}"),
            ("{proxy-host}", $"{proxy.Address}"),
            ("{proxy-port}", $"{proxy.Port}"),
            ("{socks}", $"{BenchNetwork.Socks}"),
            ("{socks-host}", $"{BenchNetwork.Socks.Address}"),
            ("{socks-port}", $"{BenchNetwork.Socks.Port}"),
            ("{far-port}", $"{FirstFarPort + number}"),
            ("{tunnel-near}", $"{near}"),
            ("{tunnel-far}", $"{far}"),
            ("{directory}", directory),
        ];
        return values.Aggregate(text, (filled, value) => filled.Replace(value.Holder, value.Value, StringComparison.Ordinal));
    }
}
