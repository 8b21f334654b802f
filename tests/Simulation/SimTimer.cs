using System;

namespace Culvert.Tests.Simulation;

/// <summary>A timer that can be moved cheaply: at most one entry of the world's queue is live, and moves on when it fires early.</summary>
internal sealed class SimTimer(World world, Action fire)
{
    private long _queued = long.MaxValue;

    public long Deadline { get; private set; } = long.MaxValue;

    public bool IsSet => Deadline != long.MaxValue;

    public void Set(long deadline)
    {
        Deadline = deadline;
        if (deadline < _queued)
        {
            Queue(deadline);
        }
    }

    public void Stop() => Deadline = long.MaxValue;

    private void Queue(long time)
    {
        _queued = time;
        world.At(time, () => Wake(time));
    }

    private void Wake(long time)
    {
        if (_queued != time)
        {
            return; // an earlier entry took over
        }

        _queued = long.MaxValue;
        if (Deadline <= world.Now)
        {
            Deadline = long.MaxValue;
            fire();
        }
        else if (IsSet)
        {
            Queue(Deadline);
        }
    }
}
