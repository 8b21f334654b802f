using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Culvert.Tests.Lab;

/// <summary>
/// The state of the machine and of the client that a run must leave as it found it: rules, routes, firewall, resolver, interfaces,
/// namespaces, processes and temporary files.
/// </summary>
public sealed class Snapshot
{
    private readonly SortedDictionary<string, string> _parts;

    private Snapshot(SortedDictionary<string, string> parts) => _parts = parts;

    /// <summary>Takes a snapshot now.</summary>
    public static Snapshot Take(LabNetwork network)
    {
        string all = string.Join(
            "; ",
            "echo '## rules'; ip rule; ip -6 rule",
            "echo '## routes'; ip route show table all; ip -6 route show table all | sed -E 's/ expires [0-9]+sec//'",
            "echo '## firewall'; nft list ruleset",
            "echo '## resolver'; cat /etc/resolv.conf",
            "command -v resolvectl >/dev/null && resolvectl dns >/dev/null 2>&1 && for what in dns domain default-route llmnr mdns dnssec dnsovertls nta; do echo \"## resolvectl $what\"; resolvectl $what; done",
            "echo '## journals'; ls -Ad /run/*culvert* 2>/dev/null",
            "echo '## interfaces'; ip -o link | sed -E 's/ qlen [0-9]+//'; ip -o addr | sed -E 's/(valid|preferred)_lft \\S+//g'");
        string once = string.Join(
            "; ",
            "echo '## mounts'; cut -d' ' -f1-4 /proc/self/mounts | grep -v /run/netns",
            $"echo '## namespaces'; ls /run/netns | grep -v '^cvlab-' ; ls /run/netns | grep '^{network.Owner}-'",
            $"echo '## files'; ls -A {network.Work} {network.CommandTemporary}; ls -Ad /run/*culvert* /run/user/*/*culvert* /dev/shm/*culvert* 2>/dev/null; true");
        SortedDictionary<string, string> parts = [];
        Add(parts, "outside", LabNetwork.System(all));
        Add(parts, "client", network.Client.Shell(all).Ok().Output);
        Add(parts, "machine", LabNetwork.System(once));
        parts["processes (of the lab)"] = string.Join('\n', Processes(network));
        return new Snapshot(parts);
    }

    /// <summary>
    /// Waits (some things take the kernel a moment: a namespace goes after its last process) until the state equals this one; throws with
    /// the differing lines when it does not come to that.
    /// </summary>
    public void VerifyRestored(LabNetwork network, TimeSpan? limit = null)
    {
        string difference = "";
        try
        {
            Until.True(() => (difference = Difference(Take(network))).Length == 0, "the machine to be as it was before", limit ?? TimeSpan.FromSeconds(5));
        }
        catch (TimeoutException)
        {
            throw new InvalidOperationException("The test left the machine changed:\n" + difference);
        }
    }

    /// <summary>Every process, anywhere, that descends from a command of this lab, with the namespaces it is in.</summary>
    private static IEnumerable<string> Processes(LabNetwork network)
    {
        foreach (string directory in Directory.GetDirectories("/proc").Where(path => char.IsAsciiDigit(path[^1])).Order())
        {
            string? line = null;
            try
            {
                if (File.ReadAllText($"{directory}/environ").Contains(network.Mark, StringComparison.Ordinal))
                {
                    line = $"{File.ReadAllText($"{directory}/cmdline").Replace('\0', ' ')} pid {Path.GetFileName(directory)} {File.ResolveLinkTarget($"{directory}/ns/net", false)?.Name} {File.ResolveLinkTarget($"{directory}/ns/user", false)?.Name}";
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It ended while we looked.
            }

            if (line is not null)
            {
                yield return line;
            }
        }
    }

    private static void Add(SortedDictionary<string, string> parts, string where, string text)
    {
        foreach (string part in text.Split("## ", StringSplitOptions.RemoveEmptyEntries))
        {
            int line = part.IndexOf('\n', StringComparison.Ordinal);
            parts[$"{part[..line]} ({where})"] = part[(line + 1)..];
        }
    }

    private string Difference(Snapshot later)
    {
        StringWriter text = new();
        foreach ((string name, string before) in _parts)
        {
            string[] old = before.Split('\n');
            string[] now = later._parts[name].Split('\n');
            foreach (string line in old.Except(now))
            {
                text.WriteLine($"- {name}: {line}");
            }

            foreach (string line in now.Except(old))
            {
                text.WriteLine($"+ {name}: {line}");
            }

            if (old.Length != now.Length && text.ToString().Length == 0)
            {
                text.WriteLine($"{name}: {old.Length - 1} lines before, {now.Length - 1} after");
            }
        }

        return text.ToString();
    }
}
