using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Culvert.Core;
using Culvert.Platform.Undo;

namespace Culvert.Platform.Steering;

/// <summary>
/// The numbers that one tunnel uses, so that several of other names can be up at once: two routing tables, a block of priorities among the policy rules
/// (before the main table's 32766), and bits of the packet mark.
/// </summary>
/// <param name="Number">0 to <see cref="Count"/> - 1.</param>
internal readonly record struct Slot(int Number)
{
    /// <summary>How many tunnels there can be at once.</summary>
    public const int Count = 16;

    /// <summary>Bit of the packet mark: this answers what came in, and leaves the way that came.</summary>
    public const uint ReplyMark = 0x2000_0000;

    /// <summary>Bit of the connection mark: the engine's own.</summary>
    public const uint EngineMark = 0x4000_0000;

    /// <summary>Bit of the connection mark: begun before the tunnel, by somebody who came in.</summary>
    public const uint ServedMark = 0x2000_0000;

    /// <summary>Bit of the connection mark: begun before the tunnel, by this machine.</summary>
    public const uint StrayMark = 0x1000_0000;

    /// <summary>Bits of the packet mark that say which tunnel a group's packets go into.</summary>
    public const uint GroupMask = 0x1F00_0000;

    private const uint FirstTable = 19780;
    private const uint FirstPriority = 5100;
    private const uint Priorities = 100;

    /// <summary>The table of what goes into the link.</summary>
    public uint Table => FirstTable + ((uint)Number * 2);

    /// <summary>The table that has the link for everything, for DNS.</summary>
    public uint NamesTable => Table + 1;

    /// <summary>The packet mark of a group's packets.</summary>
    public uint GroupMark => (uint)(Number + 1) << 24;

    /// <summary>The first of the block of priorities.</summary>
    public uint Priority => FirstPriority + ((uint)Number * Priorities);

    /// <summary>The first slot that no other journal speaks of.</summary>
    /// <exception cref="CulvertException">LimitReached.</exception>
    public static Slot Free(IEnumerable<string> linesOfOthers)
    {
        HashSet<string> taken = [.. linesOfOthers];
        return Enumerable.Range(0, Count).Select(static number => new Slot(number)).Where(slot => !taken.Contains($"+ {slot.Step}")).Select(static slot => (Slot?)slot).FirstOrDefault()
            ?? throw new CulvertException(FailureKind.LimitReached, $"{Count} tunnels are up or were not cleaned up after (`culvert cleanup`); there can be no more.");
    }

    /// <summary>The journal's step that takes the slot: its tables are the tunnel's.</summary>
    public UndoStep Step => new(UndoKind.Routes, Table.ToString(CultureInfo.InvariantCulture));

    /// <summary>The journal's step for <see cref="NamesTable"/>.</summary>
    public UndoStep NamesStep => new(UndoKind.Routes, NamesTable.ToString(CultureInfo.InvariantCulture));
}
