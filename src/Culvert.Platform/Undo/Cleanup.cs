using System;
using System.Collections.Generic;
using System.Linq;
using Culvert.Core;
using Culvert.Platform.Interop;

namespace Culvert.Platform.Undo;

/// <summary>
/// `culvert cleanup`: gives back what dead helpers left, and says what it did. Does nothing the second time. Where guards are to be kept, kill switches are, and all of a
/// tunnel whose engine lives.
/// </summary>
internal static class Cleanup
{
    /// <summary>The helper's verb.</summary>
    public const string Verb = "cleanup";

    /// <summary>The argument that makes it tell only.</summary>
    public const string DryRunArgument = "dry-run";

    /// <summary>The argument that leaves kill switches as they are.</summary>
    public const string KeepGuardsArgument = "keep-guards";

    /// <summary>Cleans up after all journals of a directory.</summary>
    /// <returns>Whether nothing is left.</returns>
    /// <exception cref="CulvertException">Privilege or Configuration.</exception>
    public static bool Run(string directory, bool dryRun, bool keepGuards, Action<string> tell)
    {
        if (!JournalDirectory.Exists(directory))
        {
            tell("Nothing to clean up.");
            return true;
        }

        List<Journal> journals = [];
        bool complete = true;
        try
        {
            using (JournalDirectory held = new(directory))
            {
                foreach (string link in held.Links.ToList())
                {
                    // A link is gone with its engine, so this one's helper has died alone: what it has left is what keeps traffic in the tunnel.
                    if (keepGuards && Libc.if_nametoindex(link) != 0)
                    {
                        tell($"{link} is carried on by its engine: `culvert down` ends it. Left as it is.");
                    }
                    else if (Journal.TryTake(held, link) is { } journal)
                    {
                        journals.Add(journal);
                    }
                    else
                    {
                        tell($"{link} is up: `culvert down` ends it. Left as it is.");
                    }
                }
            }

            using Undoing undoing = new();
            bool found = false;
            bool Kept(UndoStep step) => keepGuards && step.Kind == UndoKind.Firewall;
            foreach (Journal journal in journals)
            {
                found |= journal.Live.Any(step => !Kept(step));
                if (dryRun)
                {
                    foreach (UndoStep step in journal.Live.Reverse().Where(step => !Kept(step)))
                    {
                        tell($"Would {Undoing.Sentence(step)}.");
                    }
                }
                else
                {
                    List<string> problems = undoing.UndoAll(journal, Kept, told: done => tell($"Done: {done}."));
                    problems.ForEach(tell);
                    complete &= problems.Count == 0;
                }
            }

            if (!found)
            {
                tell("Nothing to clean up.");
            }
        }
        finally
        {
            journals.ForEach(static journal => journal.Dispose());
        }

        return complete;
    }
}
