using System;
using Culvert.Platform.Linux;
using Culvert.Platform.Netlink;
using Culvert.Platform.Undo;

namespace Culvert.Platform.Steering;

/// <summary>
/// A kill switch from the machine's start on: a table that lets nothing leave but answers, what an address takes (DHCP, neighbour discovery), and what the service's
/// own user sends to reach its exit. The journal knows it as a guard that was left, so the tunnel's own takes its place without a gap.
/// </summary>
internal static class ClosedStart
{
    /// <summary>The helper's verb.</summary>
    public const string Verb = "close";

    private const string Link = TunnelHelperOptions.DefaultLink;

    private const string Table = $$"""
        table inet {{Link}} {
         chain sent {
          type filter hook output priority filter; policy accept;
          oifname "lo" accept
          ct direction reply accept
          udp sport 68 udp dport 67 accept
          udp sport 546 udp dport 547 accept
          icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld-listener-done, mld2-listener-report } accept
          meta skuid "{{TunnelHelperOptions.ServiceUser}}" accept
          goto refused
         }
         chain forwarded {
          type filter hook forward priority filter; policy accept;
          goto refused
         }
         chain refused {
          meta l4proto tcp reject with tcp reset
          reject with icmpx admin-prohibited
         }
        }

        """;

    /// <summary>Makes the table; a guard that is there already, or a tunnel that is up, is left as it is.</summary>
    /// <exception cref="Core.CulvertException">Privilege or Configuration.</exception>
    public static void Run(string journals, Action<string> tell)
    {
        Journal? journal;
        using (JournalDirectory directory = new(journals))
        {
            journal = Journal.TryTake(directory, Link);
        }

        using (journal)
        {
            using Firewall firewall = new();
            if (journal is null || firewall.Has(Link))
            {
                tell($"{Link} has a guard already. Left as it is.");
                return;
            }

            UndoStep step = new(UndoKind.Firewall, Link);
            journal.Begin(step);
            firewall.Run(Table);
            tell("Nothing leaves until the tunnel is up, or `culvert cleanup` opens the way.");
        }
    }
}
