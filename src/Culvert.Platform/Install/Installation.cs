using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Culvert.Core;

namespace Culvert.Platform.Install;

/// <summary>`culvert install`: puts <see cref="ServiceFiles"/> where systemd looks for them and has it take note; `--remove` takes them away again.</summary>
public static class Installation
{
    /// <summary>Writes the files under <paramref name="root"/> (the machine's own is "/"), and starts what they describe when it is that.</summary>
    /// <returns>A sentence for each thing done.</returns>
    /// <exception cref="CulvertException">Privilege: not root. Configuration: no systemd, or it said why not.</exception>
    public static IReadOnlyList<string> Install(IReadOnlyDictionary<string, string> files, string root = "/")
    {
        Check(root);
        List<string> done = [];
        const string closed = "/etc/systemd/system/" + ServiceFiles.ClosedUnit;
        bool isClosed = files.ContainsKey(closed);
        if (root == "/" && !isClosed && File.Exists(closed))
        {
            Run("systemctl", "disable", "--now", ServiceFiles.ClosedUnit);
            Try(() => File.Delete(closed), closed);
            done.Add($"Removed {closed}.");
        }

        foreach ((string path, string text) in files)
        {
            string target = root.TrimEnd('/') + path;
            Try(() => Directory.CreateDirectory(Path.GetDirectoryName(target)!), target);
            Try(() => File.WriteAllText(target, text), target);
            done.Add($"Wrote {target}.");
        }

        if (root == "/")
        {
            Run("systemd-sysusers", "/usr/lib/sysusers.d/culvert.conf");
            Run("systemctl", "daemon-reload");
            Run("systemctl", "enable", "--now", ServiceFiles.SocketUnit);
            if (isClosed)
            {
                // Not now: it would cut off whoever is typing this from afar, and the tunnel's own kill switch is there in a moment.
                Run("systemctl", "enable", ServiceFiles.ClosedUnit);
                done.Add("Nothing will leave this machine before the tunnel is up, from the next boot on.");
            }

            Run("systemctl", "enable", "--now", ServiceFiles.EngineUnit);
            done.Add($"Started {ServiceFiles.EngineUnit}, now and at each boot; `systemctl status {ServiceFiles.EngineUnit}` shows it.");
            done.Add($"People in the group {ServiceFiles.Group} may start tunnels without a password: sudo usermod -aG {ServiceFiles.Group} NAME.");
        }

        return done;
    }

    /// <summary>Stops and removes what <see cref="Install"/> made; nothing of it need be there.</summary>
    /// <returns>A sentence for each thing done.</returns>
    /// <exception cref="CulvertException">As <see cref="Install"/>.</exception>
    public static IReadOnlyList<string> Remove(IEnumerable<string> paths, string root = "/")
    {
        Check(root);
        List<string> done = [];
        if (root == "/" && File.Exists($"/etc/systemd/system/{ServiceFiles.EngineUnit}"))
        {
            string[] units = [.. new[] { ServiceFiles.EngineUnit, ServiceFiles.SocketUnit, ServiceFiles.ClosedUnit }.Where(static unit => File.Exists($"/etc/systemd/system/{unit}"))];
            Run("systemctl", ["disable", "--now", .. units]);
            done.Add($"Stopped {ServiceFiles.EngineUnit}.");
        }

        foreach (string path in paths)
        {
            string target = root.TrimEnd('/') + path;
            if (File.Exists(target))
            {
                Try(() => File.Delete(target), target);
                done.Add($"Removed {target}.");
            }
        }

        if (root == "/" && done.Count > 0)
        {
            Run("systemctl", "daemon-reload");
        }

        return done;
    }

    /// <summary>The first part of a path that not everybody may pass or read, so that the service's user cannot run what is there; null when it can.</summary>
    public static string? Obstacle(string path)
    {
        if ((new FileInfo(path).UnixFileMode & UnixFileMode.OtherRead) == 0)
        {
            return path;
        }

        for (DirectoryInfo? directory = Directory.GetParent(path); directory is not null; directory = directory.Parent)
        {
            if ((directory.UnixFileMode & UnixFileMode.OtherExecute) == 0)
            {
                return directory.FullName;
            }
        }

        return null;
    }

    private static void Check(string root)
    {
        if (root == "/" && !Directory.Exists("/run/systemd/system"))
        {
            throw new CulvertException(FailureKind.Configuration, "This machine is not run by systemd, so there is no service to install; `culvert up --detach` in its own start-up scripts does the same.");
        }

        if (root == "/" && Environment.UserName != "root")
        {
            throw new CulvertException(FailureKind.Privilege, "Installing a service takes an administrator: sudo culvert install.");
        }
    }

    private static void Try(Action action, string path)
    {
        try
        {
            action();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CulvertException(FailureKind.Privilege, $"{path} could not be changed: {failure.Message}", failure);
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            string said = process.StandardError.ReadToEnd().Trim();
            process.WaitForExit();
            if (process.ExitCode != 0)
            {
                throw new CulvertException(FailureKind.Configuration, $"{program} {string.Join(' ', arguments)} failed: {said}");
            }
        }
        catch (Win32Exception failure)
        {
            throw new CulvertException(FailureKind.Configuration, $"{program} could not be started: {failure.Message}", failure);
        }
    }
}
