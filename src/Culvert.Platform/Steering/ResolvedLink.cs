using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;

namespace Culvert.Platform.Steering;

/// <summary>
/// Tells systemd-resolved, where it runs, to ask our link's resolvers for every name; by resolvectl(1), its own program. What it is told belongs to the link
/// and vanishes with it.
/// </summary>
internal static class ResolvedLink
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private static bool IsRunning => Directory.Exists("/run/systemd/resolve");

    /// <summary>Sets the link's resolvers, none for leaving names to the other links; returns what went wrong, in a sentence, or null.</summary>
    public static string? Set(string link, IReadOnlyList<IPAddress> resolvers)
    {
        if (!IsRunning)
        {
            return null;
        }

        return resolvers.Count == 0
            ? Run("revert", link)
            : Run(["dns", link, .. resolvers.Select(static resolver => resolver.ToString())]) ?? Run("domain", link, "~.") ?? Run("default-route", link, "yes");
    }

    private static string? Run(params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("resolvectl", arguments) { RedirectStandardInput = true, RedirectStandardError = true })!;
            process.StandardInput.Close();
            string said = process.StandardError.ReadToEnd().Trim();
            if (!process.WaitForExit(Limit))
            {
                process.Kill();
                said = "no answer";
            }

            return said.Length == 0 && process.ExitCode == 0 ? null : $"systemd-resolved could not be told to ask the tunnel (resolvectl {arguments[0]}: {said}); its queries go through the tunnel or nowhere.";
        }
        catch (Win32Exception failure)
        {
            return $"systemd-resolved runs here, and its program resolvectl cannot be started: {failure.Message}; its queries go through the tunnel or nowhere.";
        }
    }
}
