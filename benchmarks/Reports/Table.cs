using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using Culvert.Bench.Rows;
using Culvert.Bench.Running;

namespace Culvert.Bench.Reports;

/// <summary>The results as a Markdown table that also reads well in a terminal.</summary>
internal static class Table
{
    internal static string Write(Results results, Options options, Machine machine)
    {
        List<string[]> rows = [["", "unit", .. options.Contenders.Select(contender => contender.Name)]];
        foreach (IBenchmark benchmark in options.Benchmarks)
        {
            foreach (Metric metric in benchmark.Metrics)
            {
                string[] cells = [.. options.Contenders.Select(contender => Cell(results, benchmark, contender, metric))];
                if (metric == benchmark.Metrics[0] || cells.Any(cell => cell != "–"))
                {
                    rows.Add([metric.Name.Length == 0 ? benchmark.Title : $"· {metric.Name}", metric.Unit, .. cells]);
                }
            }
        }

        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        StringBuilder text = new();
        Line(text, rows[0], widths);
        Line(text, [.. widths.Select((width, column) => new string('-', width - (column > 1 ? 1 : 0)) + (column > 1 ? ":" : ""))], widths);
        rows.Skip(1).ToList().ForEach(row => Line(text, row, widths));
        text.Append(CultureInfo.InvariantCulture, $"\nMedian of {options.Rounds} round{(options.Rounds == 1 ? "" : "s")}, ± half the range; in brackets the ratio to raw. {machine}\n");
        foreach (string name in options.Missing)
        {
            text.Append(CultureInfo.InvariantCulture, $"- not installed: {name}\n");
        }

        foreach (string note in results.Notes)
        {
            text.Append(CultureInfo.InvariantCulture, $"- {note}\n");
        }

        return text.ToString();
    }

    /// <summary>A number with the digits that mean something.</summary>
    internal static string Number(double number, Metric metric) => number.ToString(number < 10 && metric.Digits == 0 ? "N1" : $"N{metric.Digits}", CultureInfo.InvariantCulture);

    private static string Cell(Results results, IBenchmark benchmark, Contender contender, Metric metric)
    {
        if (results.Median(benchmark, contender, metric) is not { } median)
        {
            return results.Failed(benchmark, contender) && metric == benchmark.Metrics[0] ? "failed" : "–";
        }

        string text = Number(median, metric);
        if (results.Spread(benchmark, contender, metric) is { } spread)
        {
            text += string.Create(CultureInfo.InvariantCulture, $" ±{spread * 100:F0} %");
        }

        return results.Ratio(benchmark, contender, metric) is { } ratio && !contender.IsRaw ? string.Create(CultureInfo.InvariantCulture, $"{text} ({ratio:F2})") : text;
    }

    private static void Line(StringBuilder text, string[] cells, int[] widths)
        => text.Append("| ").AppendJoin(" | ", cells.Select((cell, column) => column > 1 ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]))).Append(" |\n");
}
