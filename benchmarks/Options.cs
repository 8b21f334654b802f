using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Culvert.Bench.Rows;
using Culvert.Bench.Running;

namespace Culvert.Bench;

/// <summary>What was asked for.</summary>
internal sealed record Options
{
    internal const string Help = """
        usage: ./bench [NAME…] [options]
               ./bench micro [FILTER…]      the inner parts alone, by BenchmarkDotNet; no root, half a minute

        Measures Culvert next to the same work without it, in network namespaces made for the purpose. Every benchmark
        alternates its contenders round after round; the table shows medians, the spread and the ratio to raw.
        NAME is a benchmark, or the beginning of several names: tcp, latency, udp-64.

          --rounds N             how often each benchmark goes around (default 3)
          --quick                raw, run, proxy and vshp, one short round, no impaired paths: under a minute
          --contender NAME       only these, and raw (run, run-socks5, up-socks5, proxy, raw-socks5, vshp, or a peer); may be repeated
          --peers                with all installed peers of the table as well
          --peer NAME=COMMAND    with another program. {command} in COMMAND stands for the program it carries; without it,
                                 COMMAND is a SOCKS5 proxy that listens on {proxy} ({proxy-host}, {proxy-port}).
                                 {socks} ({socks-host}, {socks-port}) is a fast SOCKS5 server on the far side.
          --connections N        how many connections churn makes (default 1000000; 50000 with --quick), in ten minutes at most
          --congestion NAME      the congestion control of every connection (default cubic, which most hosts have)
          --json FILE            every sample
          --svg FILE             the chart
          --write-docs           renew the figures in docs/benchmarks.md, and its chart
          --list                 what can be measured, and which peers are installed
          --help
        """;

    internal IReadOnlyList<IBenchmark> Benchmarks { get; private init; } = Catalogue.All;

    internal IReadOnlyList<Contender> Contenders { get; private init; } = [];

    /// <summary>Peers that were asked for and are not there.</summary>
    internal IReadOnlyList<string> Missing { get; private init; } = [];

    internal int Rounds { get; private init; } = 3;

    /// <summary>Seconds of load before the clock starts.</summary>
    internal double Warm { get; private init; } = 0.25;

    /// <summary>Seconds that are measured.</summary>
    internal double Window { get; private init; } = 0.75;

    /// <summary>How many connections <see cref="Rows.Churn"/> makes.</summary>
    internal int Churn { get; private init; } = 1_000_000;

    /// <summary>The congestion control of every connection: Linux's own default, whatever this machine's is.</summary>
    internal string Congestion { get; private init; } = "cubic";

    internal string? Json { get; private init; }

    internal string? Svg { get; private init; }

    internal bool WriteDocs { get; private init; }

    internal bool ListOnly { get; private init; }

    internal bool HelpOnly { get; private init; }

    /// <summary>Reads the command line; throws <see cref="BenchException"/> with what is wrong.</summary>
    internal static Options Parse(ReadOnlySpan<string> arguments, string root)
    {
        Options options = new();
        List<string> names = [];
        List<string> chosen = [];
        List<Contender> given = [];
        bool quick = false;
        bool peers = false;
        int? rounds = null;
        int? connections = null;
        for (int index = 0; index < arguments.Length; index++)
        {
            string argument = arguments[index];
            string value = argument is "--rounds" or "--contender" or "--peer" or "--json" or "--svg" or "--connections" or "--congestion"
                ? ++index < arguments.Length ? arguments[index] : throw new BenchException($"{argument} wants a value; see ./bench --help")
                : "";
            switch (argument)
            {
                case "--rounds":
                    rounds = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is > 0 and <= 100
                        ? number
                        : throw new BenchException($"--rounds wants a number from 1 to 100, not '{value}'");
                    break;
                case "--connections":
                    connections = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int many) && many > 0
                        ? many
                        : throw new BenchException($"--connections wants a number above 0, not '{value}'");
                    break;
                case "--quick":
                    quick = true;
                    break;
                case "--contender":
                    chosen.Add(value);
                    break;
                case "--peers":
                    peers = true;
                    break;
                case "--peer":
                    given.Add(ParsePeer(value));
                    break;
                case "--congestion":
                    options = options with { Congestion = value };
                    break;
                case "--json":
                    options = options with { Json = value };
                    break;
                case "--svg":
                    options = options with { Svg = value };
                    break;
                case "--write-docs":
                    options = options with { WriteDocs = true };
                    break;
                case "--list":
                    options = options with { ListOnly = true };
                    break;
                case "--help" or "-h":
                    options = options with { HelpOnly = true };
                    break;
                default:
                    if (argument.StartsWith('-') || Catalogue.Choose([argument]).Count == 0)
                    {
                        throw new BenchException($"there is no benchmark or option '{argument}'; ./bench --list shows what there is");
                    }

                    names.Add(argument);
                    break;
            }
        }

        IReadOnlyList<Contender> culvert = Running.Contenders.Culvert(root);
        List<Contender> known = [Running.Contenders.Raw, Running.Contenders.RawSocks, .. culvert, Running.Contenders.Session, .. Running.Contenders.Peers.Select(peer => peer.Contender), .. given];
        IEnumerable<Contender> contenders = quick ? [known[0], culvert[0], culvert[^1], Running.Contenders.Session] : [known[0], .. culvert, Running.Contenders.Session];
        List<string> missing = [.. Running.Contenders.Peers.Where(peer => !Running.Contenders.Installed(peer.Program)).Select(peer => peer.Contender.Name)];
        if (peers)
        {
            contenders = contenders.Concat(Running.Contenders.Peers.Select(peer => peer.Contender));
        }

        if (chosen.Count > 0)
        {
            string? unknown = chosen.Find(name => !known.Exists(contender => contender.Name == name));
            contenders = unknown is null
                ? known.Where(contender => contender.IsRaw || chosen.Contains(contender.Name))
                : throw new BenchException($"there is no contender '{unknown}'; ./bench --list shows what there is");
        }

        Contender[] all = [.. contenders.Concat(given).Distinct()];
        IReadOnlyList<IBenchmark> benchmarks = Catalogue.Choose(names);
        return options with
        {
            Benchmarks = quick && names.Count == 0 ? [.. benchmarks.Where(benchmark => benchmark is not Impaired)] : benchmarks,
            Contenders = [.. all.Where(contender => !missing.Contains(contender.Name) && benchmarks.Any(benchmark => benchmark.Covers(contender)))],
            Missing = [.. all.Where(contender => missing.Contains(contender.Name)).Select(contender => contender.Name)],
            Rounds = rounds ?? (quick ? 1 : options.Rounds),
            Churn = connections ?? (quick ? 50_000 : options.Churn),
            Warm = quick ? 0.15 : options.Warm,
            Window = quick ? 0.4 : options.Window,
        };
    }

    private static Contender ParsePeer(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string[] words = equals > 0 ? text[(equals + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries) : [];
        return words.Length > 0 && words.Any(word => word.Contains("{command}", StringComparison.Ordinal) || word.Contains("{proxy", StringComparison.Ordinal))
            ? new Contender(text[..equals], words)
            : throw new BenchException($"--peer wants NAME=COMMAND with {{command}} or {{proxy}} in it, not '{text}'");
    }
}
