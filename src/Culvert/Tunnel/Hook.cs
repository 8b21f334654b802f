using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace Culvert.Tunnel;

/// <summary>A program of the user's that runs when the tunnel has come up or is about to go: arguments as they are, no shell.</summary>
internal static class Hook
{
    /// <summary>Runs <paramref name="command"/> to its end, at most for <paramref name="limit"/>; what went wrong is returned as a sentence, null when nothing did.</summary>
    public static async Task<string?> RunAsync(string when, IReadOnlyList<string> command, TimeSpan limit, string link, string exit)
    {
        if (command.Count == 0)
        {
            return null;
        }

        ProcessStartInfo start = new(command[0]) { UseShellExecute = false, RedirectStandardInput = true };
        for (int i = 1; i < command.Count; i++)
        {
            start.ArgumentList.Add(command[i]);
        }

        start.Environment["CULVERT_LINK"] = link;
        start.Environment["CULVERT_EXIT"] = exit;
        try
        {
            using Process process = Process.Start(start)!;
            process.StandardInput.Close();
            using CancellationTokenSource timed = new(limit);
            try
            {
                await process.WaitForExitAsync(timed.Token).ConfigureAwait(false);
                return process.ExitCode == 0 ? null : $"The {when} program {command[0]} ended with {process.ExitCode}.";
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                return $"The {when} program {command[0]} was ended: it took longer than {limit.TotalSeconds:0} s.";
            }
        }
        catch (Win32Exception e)
        {
            return $"The {when} program {command[0]} could not be started: {e.Message}.";
        }
    }
}
