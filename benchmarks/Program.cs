using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using Culvert.Bench;
using Culvert.Bench.Load;
using Culvert.Bench.Reports;
using Culvert.Bench.Running;

const int Interrupted = 130;
const int Usage = 2;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is ["--load", .. string[] rest])
{
    return LoadProgram.Run(rest);
}

string root = AppContext.BaseDirectory;
while (!File.Exists(Path.Combine(root, "Culvert.slnx")))
{
    root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("This program belongs into the project's own tree.");
}

using CancellationTokenSource stop = new();
PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];
PosixSignalRegistration[] registrations = [.. signals.Select(signal => PosixSignalRegistration.Create(signal, context =>
{
    context.Cancel = true;
    stop.Cancel();
}))];
try
{
    Options options = Options.Parse(args, root);
    if (options.HelpOnly || options.ListOnly)
    {
        Console.WriteLine(options.HelpOnly ? Options.Help : Lists.Describe(root));
        return 0;
    }

    Machine machine = Machine.Describe(root, options.Congestion);
    using Bench bench = new(options, stop.Token);
    if (machine.Busy is not null)
    {
        bench.Results.Note(machine.Busy);
    }

    bench.Run(Console.Error);
    Console.WriteLine();
    Console.Write(Table.Write(bench.Results, options, machine));
    if (options.Json is not null)
    {
        File.WriteAllText(options.Json, Json.Write(bench.Results, options, machine));
    }

    if (options.Svg is not null)
    {
        File.WriteAllText(options.Svg, Chart.Write(bench.Results, options));
    }

    if (options.WriteDocs)
    {
        Docs.Write(root, bench.Results, options, machine);
    }

    return 0;
}
catch (BenchException exception)
{
    Console.Error.WriteLine($"bench: {exception.Message}.");
    return Usage;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    Console.Error.WriteLine("bench: interrupted.");
    return Interrupted;
}
catch (Exception) when (stop.IsCancellationRequested)
{
    // The signal went to the children as well, so anything may have failed on the way out.
    Console.Error.WriteLine("bench: interrupted.");
    return Interrupted;
}
finally
{
    Array.ForEach(registrations, registration => registration.Dispose());
}
