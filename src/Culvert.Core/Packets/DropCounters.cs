using System;
using System.Text;

namespace Culvert.Core.Packets;

/// <summary>How many packets were dropped, by reason. Belongs to one loop; reading from elsewhere sees a moment's figures.</summary>
public sealed class DropCounters
{
    private readonly long[] _counts = new long[Enum.GetValues<DropReason>().Length];

    /// <summary>Packets dropped for <paramref name="reason"/>.</summary>
    public long this[DropReason reason] => _counts[(int)reason];

    /// <summary>Packets dropped for any reason.</summary>
    public long Total
    {
        get
        {
            long total = 0;
            foreach (long count in _counts)
            {
                total += count;
            }

            return total;
        }
    }

    /// <summary>Adds one; nothing for <see cref="DropReason.None"/>.</summary>
    internal void Count(DropReason reason)
    {
        if (reason != DropReason.None)
        {
            _counts[(int)reason]++;
        }
    }

    /// <summary>The counters that are not zero, as <c>Truncated=3 HeaderChecksum=1</c>.</summary>
    public override string ToString()
    {
        StringBuilder text = new();
        foreach (DropReason reason in Enum.GetValues<DropReason>())
        {
            if (this[reason] != 0)
            {
                text.Append(text.Length == 0 ? "" : " ").Append(reason).Append('=').Append(this[reason]);
            }
        }

        return text.ToString();
    }
}
