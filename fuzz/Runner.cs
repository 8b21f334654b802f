using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;

namespace Culvert.Fuzz;

/// <summary>
/// Runs a target in rounds, each with a seed of its own (the first with the given one, the next with that plus one…) and a fresh target, so
/// that a failure is replayed by its round's seed alone.
/// </summary>
internal sealed class Runner(FuzzTarget target, ulong seed, long count)
{
    private const long RoundLength = 100_000;

    /// <summary>A target that holds more than this after a round has grown without a bound.</summary>
    private const long MaxHeap = 512L << 20;

    private static readonly TimeSpan HangAfter = TimeSpan.FromSeconds(20);

    private ulong _roundSeed;
    private long _inRound;
    private long _done;

    /// <summary>Runs all inputs; false after a failure, which is reported.</summary>
    public bool Run()
    {
        IReadOnlyList<byte[]> corpus = target.Corpus();
        Stopwatch watch = Stopwatch.StartNew();
        TimeSpan processor = Environment.CpuUsage.TotalTime;
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        using (WatchForHangs())
        {
            for (ulong round = 0; _done < count; round++)
            {
                _roundSeed = seed + round;
                if (!RunRound(corpus, Math.Min(RoundLength, count - _done)))
                {
                    return false;
                }
            }
        }

        double seconds = watch.Elapsed.TotalSeconds;
        double busy = (Environment.CpuUsage.TotalTime - processor).TotalSeconds;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Console.WriteLine(
            $"{target.Name}: {_done:N0} inputs in {seconds:F1} s, {_done / seconds:N0} inputs/s ({_done / busy:N0} per second of processor time), {(double)allocated / _done:F1} bytes allocated per input, seed {seed}");
        return true;
    }

    private bool RunRound(IReadOnlyList<byte[]> corpus, long inputs)
    {
        Mutator mutator = new(_roundSeed, corpus, target.Repair);
        _inRound = 0;
        try
        {
            IFuzzTarget running = target.Start(_roundSeed);
            for (; _inRound < inputs; _inRound++, _done++)
            {
                running.Run(mutator.Next());
            }

            running.Finish();
            Expect.That(GC.GetTotalMemory(forceFullCollection: false) < MaxHeap || GC.GetTotalMemory(true) < MaxHeap, "memory stays bounded");
            return true;
        }
#pragma warning disable CA1031 // any exception at all is what is looked for
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Report(failure.ToString(), mutator.Current);
            return false;
        }
    }

    private void Report(string what, ReadOnlySpan<byte> input)
    {
        Console.Error.WriteLine($"{target.Name}: FAILED at input {_inRound + 1} of the round with seed {_roundSeed}");
        Console.Error.WriteLine(what);
        Console.Error.WriteLine($"input: {(input.IsEmpty ? "(empty)" : Convert.ToHexString(input))}");
        Console.Error.WriteLine($"again: dotnet run --project fuzz -c Release -- {target.Name} --seed {_roundSeed} --count {Math.Min(_inRound + 1, RoundLength)}");
    }

    /// <summary>An input that takes for ever would otherwise not be reported at all.</summary>
    private Timer WatchForHangs()
    {
        long last = -1;
        return new Timer(
            _ =>
            {
                long now = Volatile.Read(ref _done);
                if (now == last)
                {
                    Report($"this input, or the end of its round, has taken over {HangAfter.TotalSeconds} s", default);
                    Environment.Exit(1);
                }

                last = now;
            },
            null,
            HangAfter,
            HangAfter);
    }
}
