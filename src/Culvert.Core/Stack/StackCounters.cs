using System.Globalization;
using System.Text;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack;

/// <summary>What a stack has done, for tests, traces and status. Belongs to the stack's loop; reading from elsewhere sees a moment's figures.</summary>
public sealed class StackCounters
{
    /// <summary>Packets that went no further, by reason.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>TCP segments sent again.</summary>
    public long Retransmits { get; internal set; }

    /// <summary>Recoveries begun without a time-out.</summary>
    public long FastRecoveries { get; internal set; }

    /// <summary>Retransmission time-outs.</summary>
    public long Timeouts { get; internal set; }

    /// <summary>Time-outs that turned out to be needless, and were undone.</summary>
    public long SpuriousTimeouts { get; internal set; }

    /// <summary>Tail loss probes sent.</summary>
    public long TailProbes { get; internal set; }

    /// <summary>Probes of a closed window, and keep-alives.</summary>
    public long WindowProbes { get; internal set; }

    /// <summary>Challenge ACKs sent (RFC 5961).</summary>
    public long ChallengeAcks { get; internal set; }

    /// <summary>Resets sent.</summary>
    public long Resets { get; internal set; }

    /// <summary>ICMP errors sent.</summary>
    public long IcmpErrors { get; internal set; }

    /// <summary>Segments that came before one that precedes them.</summary>
    public long OutOfOrder { get; internal set; }

    /// <summary>Segments that held nothing new.</summary>
    public long Duplicates { get; internal set; }

    /// <inheritdoc/>
    public override string ToString()
    {
        StringBuilder text = new();
        text.Append(
            CultureInfo.InvariantCulture,
            $"Retransmits={Retransmits} FastRecoveries={FastRecoveries} Timeouts={Timeouts} SpuriousTimeouts={SpuriousTimeouts} TailProbes={TailProbes} ");
        text.Append(
            CultureInfo.InvariantCulture,
            $"WindowProbes={WindowProbes} ChallengeAcks={ChallengeAcks} Resets={Resets} IcmpErrors={IcmpErrors} OutOfOrder={OutOfOrder} Duplicates={Duplicates}");
        return Drops.Total == 0 ? text.ToString() : text.Append(" drops: ").Append(Drops).ToString();
    }
}
