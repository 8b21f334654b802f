using System.Globalization;
using System.Text;
using Culvert.Bench.Rows;
using Culvert.Bench.Running;

namespace Culvert.Bench.Reports;

/// <summary>What there is to choose from.</summary>
internal static class Lists
{
    internal static string Describe(string root)
    {
        StringBuilder text = new("benchmarks:\n");
        foreach (IBenchmark benchmark in Catalogue.All)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {benchmark.Name,-22} {benchmark.Title}{(benchmark.OnRequest ? " (on request only)" : "")}\n");
        }

        text.Append("contenders:\n  raw                    the same work without anything in between\n  raw-socks5             the load speaks to the far side's SOCKS5 server itself (on request only)\n");
        foreach (Contender contender in Contenders.Culvert(root))
        {
            text.Append(CultureInfo.InvariantCulture, $"  {contender.Name,-22} ./{string.Join(' ', contender.Command)[(root.Length + 1)..]}\n");
        }

        text.Append("  vshp                   a session over TLS between two hosts, next to TLS alone\n");
        text.Append("peers (--peers):\n");
        foreach ((Contender contender, string program) in Contenders.Peers)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {contender.Name,-22} {(!Contenders.Installed(program) ? $"not installed ({program})" : contender.WantsHost ? "on a host of its own" : string.Join(' ', contender.Command))}\n");
        }

        text.Append("peers without a line in the table (--peer NAME=COMMAND):\n");
        foreach (string program in Contenders.Wanted)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {program,-22} {(Contenders.Installed(program) ? "installed" : "not installed")}\n");
        }

        return text.ToString().TrimEnd();
    }
}
