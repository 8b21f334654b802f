using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using Culvert.Bench.Rows;
using Culvert.Bench.Running;

namespace Culvert.Bench.Reports;

/// <summary>
/// The main numbers as bars, an SVG of our own: a group a benchmark, a bar a contender, as long as its share of the best in the group; where less is better,
/// the best is the longest all the same.
/// </summary>
internal static class Chart
{
    private const int Label = 250;
    private const int Full = 420;
    private const int Value = 150;
    private const int Bar = 15;
    private const int Gap = 14;
    private const int Head = 62;

    private static readonly string[] Colours = ["#9aa5b1", "#0b6e99", "#4aa3c7", "#1f4e79", "#b8860b", "#8a5a83", "#6b8e23", "#a0522d"];

    internal static string Write(Results results, Options options)
    {
        List<(IBenchmark Benchmark, List<(Contender Contender, double Number)> Bars)> groups = [.. options.Benchmarks
            .Select(benchmark => (benchmark, Bars: options.Contenders
                .Select(contender => (contender, Number: results.Median(benchmark, contender, benchmark.Metrics[0])))
                .Where(bar => bar.Number is > 0)
                .Select(bar => (bar.contender, bar.Number!.Value))
                .ToList()))
            .Where(group => group.Bars.Count > 0)];
        int height = Head + groups.Sum(group => (group.Bars.Count * Bar) + Gap);
        int width = Label + Full + Value;
        StringBuilder svg = new();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n");
        svg.Append("<text x=\"12\" y=\"22\" font-size=\"15\" fill=\"#1a1a1a\">Longer is better; the numbers say what was measured</text>\n");
        int x = 12;
        for (int index = 0; index < options.Contenders.Count; index++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x}\" y=\"34\" width=\"11\" height=\"11\" fill=\"{Colours[index % Colours.Length]}\"/><text x=\"{x + 16}\" y=\"44\" fill=\"#1a1a1a\">{Escape(options.Contenders[index].Name)}</text>\n");
            x += 34 + (options.Contenders[index].Name.Length * 7);
        }

        int y = Head;
        foreach ((IBenchmark benchmark, List<(Contender Contender, double Number)> bars) in groups)
        {
            Metric metric = benchmark.Metrics[0];
            double best = metric.HigherIsBetter ? bars.Max(bar => bar.Number) : bars.Min(bar => bar.Number);
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Label - 10}\" y=\"{y + (bars.Count * Bar / 2) + 4}\" text-anchor=\"end\" fill=\"#1a1a1a\">{Escape(benchmark.Title)}</text>\n");
            foreach ((Contender contender, double number) in bars)
            {
                double length = Math.Max(1, Full * (metric.HigherIsBetter ? number / best : best / number));
                string colour = Colours[options.Contenders.ToList().IndexOf(contender) % Colours.Length];
                svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{Label}\" y=\"{y}\" width=\"{length:F1}\" height=\"{Bar - 2}\" fill=\"{colour}\"/>");
                svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Label + length + 6:F1}\" y=\"{y + 10}\" font-size=\"11\" fill=\"#333333\">{Table.Number(number, metric)} {Escape(metric.Unit)}</text>\n");
                y += Bar;
            }

            y += Gap;
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static string Escape(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
}
