using System;
using System.Linq;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Culvert.Bench.Micro;

const string Usage = """
    usage: ./bench micro [FILTER…]

    Nanoseconds and bytes allocated of the inner parts, by BenchmarkDotNet. FILTER is a pattern over Type.Method: '*Checksum*'.
    """;
const int Wrong = 2;

if (args.Any(argument => argument.StartsWith('-')))
{
    Console.WriteLine(Usage);
    return args is ["--help"] or ["-h"] ? 0 : Wrong;
}

// In this process: nothing is generated and built, so that a run takes seconds. A few short iterations tell a factor, which is what is looked for.
Job job = Job.Default
    .WithToolchain(InProcessEmitToolchain.Instance)
    .WithWarmupCount(3)
    .WithIterationCount(5)
    .WithIterationTime(Perfolizer.Horology.TimeInterval.FromMilliseconds(100));
IConfig config = ManualConfig.CreateEmpty()
    .AddJob(job)
    .AddColumnProvider(DefaultColumnProviders.Descriptor, DefaultColumnProviders.Params, DefaultColumnProviders.Statistics, DefaultColumnProviders.Metrics)
    .AddDiagnoser(MemoryDiagnoser.Default)
    .AddExporter(MarkdownExporter.Console)
    .AddLogger(new ConsoleLogger())
    .WithArtifactsPath(System.IO.Path.Combine(AppContext.BaseDirectory, "results"))
    .WithOptions(ConfigOptions.JoinSummary);
string[] filters = [.. args.DefaultIfEmpty("*").SelectMany(argument => (string[])["--filter", argument.Contains('*', StringComparison.Ordinal) ? argument : $"*{argument}*"])];
BenchmarkDotNet.Reports.Summary[] summaries = [.. BenchmarkSwitcher.FromAssembly(typeof(StackBench).Assembly).Run(filters, config)];
return summaries.Length > 0 && summaries.All(summary => !summary.HasCriticalValidationErrors && summary.Reports.All(report => report.Success)) ? 0 : 1;
