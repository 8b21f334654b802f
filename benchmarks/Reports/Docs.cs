using System;
using System.IO;
using Culvert.Bench.Running;

namespace Culvert.Bench.Reports;

/// <summary>Renews the figures in docs/benchmarks.md between two marks, and the chart next to it; the text around them is written by people.</summary>
internal static class Docs
{
    private const string Begin = "<!-- figures: written by ./bench --write-docs -->";
    private const string End = "<!-- end of figures -->";

    internal static void Write(string root, Results results, Options options, Machine machine)
    {
        string path = Path.Combine(root, "docs", "benchmarks.md");
        string text = File.ReadAllText(path);
        int begin = text.IndexOf(Begin, StringComparison.Ordinal);
        int end = text.IndexOf(End, StringComparison.Ordinal);
        if (begin < 0 || end < begin)
        {
            throw new BenchException($"docs/benchmarks.md lacks the marks '{Begin}' and '{End}' that the figures go between");
        }

        File.WriteAllText(path, $"{text[..begin]}{Begin}\n{Table.Write(results, options, machine)}\n![The main numbers as bars](benchmarks.svg)\n{text[end..]}");
        File.WriteAllText(Path.Combine(root, "docs", "benchmarks.svg"), Chart.Write(results, options));
    }
}
