using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using Culvert.Bench.Rows;
using Culvert.Bench.Running;

namespace Culvert.Bench.Reports;

/// <summary>Every sample, for other programs.</summary>
internal static class Json
{
    internal static string Write(Results results, Options options, Machine machine)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteStartObject("machine");
            foreach ((string name, string value) in machine.Facts)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
            json.WriteNumber("rounds", options.Rounds);
            json.WriteNumber("windowSeconds", options.Window);
            json.WriteStartArray("results");
            foreach (IBenchmark benchmark in options.Benchmarks)
            {
                foreach (Contender contender in options.Contenders)
                {
                    foreach (Metric metric in benchmark.Metrics.Where(metric => results.Samples(benchmark, contender, metric).Count > 0))
                    {
                        Write(json, results, benchmark, contender, metric);
                    }
                }
            }

            json.WriteEndArray();
            json.WriteStartArray("notInstalled");
            options.Missing.ToList().ForEach(json.WriteStringValue);
            json.WriteEndArray();
            json.WriteStartArray("notes");
            results.Notes.ToList().ForEach(json.WriteStringValue);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void Write(Utf8JsonWriter json, Results results, IBenchmark benchmark, Contender contender, Metric metric)
    {
        json.WriteStartObject();
        json.WriteString("benchmark", benchmark.Name);
        json.WriteString("contender", contender.Name);
        json.WriteString("metric", metric.Name);
        json.WriteString("unit", metric.Unit);
        json.WriteBoolean("higherIsBetter", metric.HigherIsBetter);
        json.WriteNumber("median", results.Median(benchmark, contender, metric)!.Value);
        if (results.Ratio(benchmark, contender, metric) is { } ratio)
        {
            json.WriteNumber("ratioToRaw", ratio);
        }

        json.WriteStartArray("samples");
        results.Samples(benchmark, contender, metric).ToList().ForEach(json.WriteNumberValue);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
