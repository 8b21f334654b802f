using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Culvert.Platform.Netlink;

/// <summary>
/// A rule that says which routing table a packet is looked up in (ip-rule(8)). All of ours carry <see cref="Rtnetlink.Protocol"/>, by which they are known.
/// </summary>
/// <param name="Family">IPv4 or IPv6.</param>
/// <param name="Priority">Its place: lower ones are asked first.</param>
/// <param name="Table">The table that answers.</param>
internal readonly record struct PolicyRule(AddressFamily Family, uint Priority, uint Table)
{
    /// <summary>Only packets that came in by this interface.</summary>
    public string? Incoming { get; init; }

    /// <summary>Only packets to these addresses.</summary>
    public IPNetwork? To { get; init; }

    /// <summary>Only this protocol; 0 for all.</summary>
    public byte Protocol { get; init; }

    /// <summary>Only packets from this port; 0 for all.</summary>
    public ushort SourcePort { get; init; }

    /// <summary>Only packets to this port; 0 for all.</summary>
    public ushort Port { get; init; }

    /// <summary>Only packets with this mark, in the bits of <see cref="MarkMask"/>; a mask of 0 for all.</summary>
    public uint Mark { get; init; }

    /// <summary>Which bits of the mark are looked at.</summary>
    public uint MarkMask { get; init; }

    /// <summary>Only packets of this user's programs.</summary>
    public uint? User { get; init; }

    /// <summary>Routes whose prefix is not longer than this are as if they were not there; -1 for none.</summary>
    public int SuppressedPrefix { get; init; } = -1;

    /// <summary>The rule as `ip rule` would be told it; one line, the form of the journal.</summary>
    public override string ToString()
    {
        StringBuilder text = new(Family == AddressFamily.InterNetwork ? "v4" : "v6");
        text.Append(CultureInfo.InvariantCulture, $" priority {Priority} table {Table}");
        Append(text, "iif", Incoming);
        Append(text, "to", To?.ToString());
        Append(text, "ipproto", Protocol == 0 ? null : Number(Protocol));
        Append(text, "sport", SourcePort == 0 ? null : Number(SourcePort));
        Append(text, "dport", Port == 0 ? null : Number(Port));
        Append(text, "fwmark", MarkMask == 0 ? null : Number(Mark));
        Append(text, "fwmask", MarkMask == 0 ? null : Number(MarkMask));
        Append(text, "uid", User is { } user ? Number(user) : null);
        Append(text, "suppress", SuppressedPrefix < 0 ? null : Number((uint)SuppressedPrefix));
        return text.ToString();
    }

    /// <summary>Reads what <see cref="ToString"/> wrote; false for anything else.</summary>
    public static bool TryParse(string text, out PolicyRule rule)
    {
        string[] words = text.Split(' ');
        rule = new PolicyRule(words[0] == "v4" ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, 0, 0);
        for (int i = 1; i + 1 < words.Length; i += 2)
        {
            string value = words[i + 1];
            uint.TryParse(value, CultureInfo.InvariantCulture, out uint number);
            rule = words[i] switch
            {
                "priority" => rule with { Priority = number },
                "table" => rule with { Table = number },
                "iif" => rule with { Incoming = value },
                "to" => rule with { To = IPNetwork.TryParse(value, out IPNetwork to) ? to : null },
                "ipproto" => rule with { Protocol = (byte)number },
                "sport" => rule with { SourcePort = (ushort)number },
                "dport" => rule with { Port = (ushort)number },
                "fwmark" => rule with { Mark = number },
                "fwmask" => rule with { MarkMask = number },
                "uid" => rule with { User = number },
                "suppress" => rule with { SuppressedPrefix = (int)number },
                _ => rule,
            };
        }

        return rule.ToString() == text;
    }

    private static void Append(StringBuilder text, string word, string? value)
    {
        if (value is not null)
        {
            text.Append(' ').Append(word).Append(' ').Append(value);
        }
    }

    private static string Number(uint value) => value.ToString(CultureInfo.InvariantCulture);
}
