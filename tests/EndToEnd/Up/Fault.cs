using System;
using System.Collections.Generic;
using System.Linq;

namespace Culvert.Tests.EndToEnd.Up;

/// <summary>What may happen to a tunnel.</summary>
internal enum Fault
{
    /// <summary>kill -9 of the engine.</summary>
    EngineKilled,

    /// <summary>kill -9 of the helper.</summary>
    HelperKilled,

    /// <summary>kill -9 of both.</summary>
    BothKilled,

    /// <summary>The exit ends, and comes back.</summary>
    ExitAway,

    /// <summary>The cable is pulled and put back a few times.</summary>
    LinkFlaps,

    /// <summary>The machine gets another address.</summary>
    AddressChanges,

    /// <summary>The default route goes, or leads elsewhere.</summary>
    RouteChanges,

    /// <summary>SIGSTOP of the engine, of up to 20 s.</summary>
    EngineStopped,

    /// <summary>Every fifth packet is lost, both ways.</summary>
    Loss,

    /// <summary>Every resolver that the network offers answers with a liar's address.</summary>
    NamesPoisoned,

    /// <summary>A second <c>culvert up</c>.</summary>
    SecondUp,

    /// <summary>Nothing else: somebody dies while the tunnel comes up.</summary>
    DeathWhileStarting,

    /// <summary>Nothing else: somebody dies while the tunnel goes down.</summary>
    DeathWhileEnding,
}

/// <summary>What a round does to its tunnel: a function of its seed.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="First">What strikes first.</param>
/// <param name="Second">What strikes while the first is still on; null in two rounds of three.</param>
/// <param name="KillSwitch">With --kill-switch; always where the engine dies, since the tunnel is then no longer wanted without.</param>
/// <param name="Queues">Queues of the link.</param>
internal sealed record FaultPlan(int Seed, Fault First, Fault? Second, bool KillSwitch, int Queues)
{
    private static readonly Fault[] Deaths = [Fault.EngineKilled, Fault.HelperKilled, Fault.BothKilled];

    /// <summary>The plan of a seed. Successive seeds go round all faults.</summary>
    public static FaultPlan Of(int seed)
    {
        Fault[] all = Enum.GetValues<Fault>();
        Random random = new(seed);
        Fault first = all[seed % all.Length];
        Fault[] possible = [.. all.Where(other => other != first && other < Fault.DeathWhileStarting && !(Deaths.Contains(first) && (Deaths.Contains(other) || other == Fault.SecondUp)))];
        Fault? second = first < Fault.DeathWhileStarting && random.Next(3) == 0 ? possible[random.Next(possible.Length)] : null;
        bool killSwitch = random.Next(2) == 0 || Kills(first) || (second is { } struck && Kills(struck));
        return new FaultPlan(seed, first, second, killSwitch, 1 + random.Next(3));
    }

    /// <summary>Whether the tunnel does not come back from it.</summary>
    public static bool Kills(Fault fault) => fault is Fault.EngineKilled or Fault.BothKilled;

    /// <summary>All of the faults.</summary>
    public IEnumerable<Fault> Faults => Second is { } second ? [First, second] : [First];

    /// <inheritdoc/>
    public override string ToString() =>
        $"CULVERT_FAULT_SEED={Seed} CULVERT_FAULT_ROUNDS=1: {string.Join(" and ", Faults)}, {Queues} queues{(KillSwitch ? ", kill switch" : "")}";
}
