using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Net.Sockets;
using Culvert.Core;
using Culvert.Platform.Netlink;

namespace Culvert.Platform.Undo;

/// <summary>Takes back what journals say was done, and nothing else. Doing it twice is as good as once.</summary>
internal sealed class Undoing : IDisposable
{
    private readonly Rtnetlink _network = new();
    private Firewall? _firewall;

    /// <summary>Undoes a step; false, with a sentence, for what is somebody else's by now.</summary>
    /// <exception cref="CulvertException">The kernel refused.</exception>
    public bool TryUndo(UndoStep step, out string problem)
    {
        problem = "";
        switch (step.Kind)
        {
            case UndoKind.Rule when PolicyRule.TryParse(step.Detail, out PolicyRule rule):
                _network.RemoveRule(rule);
                return true;
            case UndoKind.Routes when uint.TryParse(step.Detail, CultureInfo.InvariantCulture, out uint table):
                Flush(table);
                return true;
            case UndoKind.Setting when step.Detail.Split(' ') is [string path, string before, string now]:
                return TryReset(path, before, now, out problem);
            case UndoKind.Firewall:
                (_firewall ??= new Firewall()).Remove(step.Detail);
                return true;
            default:
                problem = $"The journal's step \"{step}\" makes no sense to this version.";
                return false;
        }
    }

    /// <summary>Undoes all of a journal, the last step first, and notes what is undone.</summary>
    /// <param name="journal">The journal.</param>
    /// <param name="kept">Steps to leave as they are.</param>
    /// <param name="told">Gets a sentence for each step that was undone.</param>
    /// <returns>A sentence for each step that could not be.</returns>
    public List<string> UndoAll(Journal journal, Predicate<UndoStep>? kept = null, Action<string>? told = null)
    {
        List<string> problems = [];
        for (int i = journal.Live.Count - 1; i >= 0; i--)
        {
            UndoStep step = journal.Live[i];
            if (kept?.Invoke(step) == true)
            {
                continue;
            }

            try
            {
                if (!TryUndo(step, out string problem))
                {
                    problems.Add(problem); // not ours any more, so nothing to try again
                }

                journal.Done(step);
                told?.Invoke(Sentence(step));
            }
            catch (CulvertException failure)
            {
                problems.Add($"{Sentence(step)}: not done. {failure.Message}");
            }
        }

        return problems;
    }

    /// <summary>What undoing a step is, for people.</summary>
    public static string Sentence(UndoStep step) => step.Kind switch
    {
        UndoKind.Rule => $"remove the rule {step.Detail}",
        UndoKind.Routes => $"empty the routing table {step.Detail}",
        UndoKind.Setting when step.Detail.Split(' ') is [string path, string before, _] => $"set {path} back to {before}",
        UndoKind.Firewall => $"remove the firewall table inet {step.Detail}",
        _ => step.ToString(),
    };

    public void Dispose()
    {
        _network.Dispose();
        _firewall?.Dispose();
    }

    private void Flush(uint table)
    {
        foreach (AddressFamily family in (ReadOnlySpan<AddressFamily>)[AddressFamily.InterNetwork, AddressFamily.InterNetworkV6])
        {
            foreach (TableRoute route in _network.Routes(family, table, ours: true))
            {
                _network.RemoveRoute(route);
            }
        }
    }

    private static bool TryReset(string path, string before, string now, out string problem)
    {
        string file = "/proc/sys/" + path;
        problem = "";
        if (!File.Exists(file))
        {
            return true; // gone with what it belonged to
        }

        string found = File.ReadAllText(file).Trim();
        if (found == now)
        {
            File.WriteAllText(file, before);
        }
        else if (found != before)
        {
            problem = $"{path} was {before} before the tunnel, {now} with it, and somebody has made it {found} since: left as it is.";
            return false;
        }

        return true;
    }
}
