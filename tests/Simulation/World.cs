using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;

namespace Culvert.Tests.Simulation;

/// <summary>
/// Discrete events in order of (time, order of scheduling): the only clock of a simulation. Times are microseconds.
/// </summary>
internal sealed class World
{
    private readonly PriorityQueue<Action, (long Time, long Order)> _events = new();
    private long _order;

    public World(ulong seed)
    {
        Seed = seed;
        Random = new Randomness(seed);
        Trace = new Trace();

        // Not zero, so that "no time yet" in the code under test cannot pass for a time; and short of nothing that wraps.
        Now = 5_000_000 + (long)(seed % 1_000_000);
        Began = Now;
    }

    public ulong Seed { get; }

    public long Began { get; }

    public long Now { get; private set; }

    public Randomness Random { get; }

    public Trace Trace { get; }

    public void At(long time, Action action) => _events.Enqueue(action, (Math.Max(time, Now), _order++));

    public void After(long delay, Action action) => At(Now + delay, action);

    /// <summary>Runs until <paramref name="done"/>, the end of time or of events. Returns whether it is done.</summary>
    public bool Run(Func<bool> done, long seconds = 3_600, long maxSteps = 20_000_000)
    {
        long end = Now + (seconds * 1_000_000);
        for (long step = 0; !done(); step++)
        {
            if (!_events.TryPeek(out _, out (long Time, long Order) next) || next.Time > end)
            {
                return false;
            }

            if (step == maxSteps)
            {
                throw new SimulationFailedException($"{maxSteps} steps and no end: something is busy");
            }

            Action action = _events.Dequeue();
            Now = next.Time;
            action();
        }

        return true;
    }

    /// <summary>Runs for so long whatever happens; the clock stands at the end of it.</summary>
    public void RunFor(long microseconds)
    {
        bool over = false;
        After(microseconds, () => over = true);
        Run(() => over, long.MaxValue / 4_000_000);
    }

    public static void Check(bool holds, string what)
    {
        if (!holds)
        {
            throw new SimulationFailedException(what);
        }
    }

    public static void Check(bool holds, [InterpolatedStringHandlerArgument(nameof(holds))] ref CheckText what)
    {
        if (!holds)
        {
            throw new SimulationFailedException(what.Take());
        }
    }

    /// <summary>Runs one simulation; its failure tells the seed and the last packets, which is all that is needed to see it again.</summary>
    public static ulong Simulate(ulong seed, Action<World> scenario)
    {
        World world = new(seed);
        try
        {
            scenario(world);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            throw new SimulationFailedException(
                $"{failure.Message}\nreplay with SIM_SEED={seed}; at {(world.Now - world.Began) / 1e6:F6} s; the last packets:\n{world.Trace.Tail(40, world.Began)}", failure);
        }

        return world.Trace.Hash;
    }
}
