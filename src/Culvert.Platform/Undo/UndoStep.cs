using System;

namespace Culvert.Platform.Undo;

/// <summary>What sort of thing of the machine's network was changed.</summary>
internal enum UndoKind
{
    /// <summary>A policy rule, in the form of <see cref="Netlink.PolicyRule"/>.</summary>
    Rule,

    /// <summary>The routes of ours in a table, by its number.</summary>
    Routes,

    /// <summary>A setting of the kernel: its path under /proc/sys, what it was, what it is now.</summary>
    Setting,

    /// <summary>A table of the packet filter that nobody owns, by its name.</summary>
    Firewall,
}

/// <summary>Something of the machine's network that does not go by itself when the helper dies.</summary>
/// <param name="Kind">What sort of thing.</param>
/// <param name="Detail">Which one, in one line.</param>
internal readonly record struct UndoStep(UndoKind Kind, string Detail)
{
    /// <summary>One line, the form of the journal.</summary>
    public override string ToString() => $"{Kind} {Detail}";

    /// <summary>Reads what <see cref="ToString"/> wrote; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> line, out UndoStep step)
    {
        int space = line.IndexOf(' ');
        step = default;
        if (space < 0 || !Enum.TryParse(line[..space], out UndoKind kind))
        {
            return false;
        }

        step = new UndoStep(kind, line[(space + 1)..].ToString());
        return step.ToString().AsSpan().SequenceEqual(line);
    }
}
