using System;
using System.IO;
using Culvert.Core;
using Culvert.Platform.Interop;

namespace Culvert.Platform.Linux;

/// <summary>Turns what kept a command from being confined into one sentence with the fix.</summary>
internal static class ConfinementFailure
{
    private const string WithSudo = "or run it with sudo";

    /// <summary>`unshare` could not be started.</summary>
    public static CulvertException NoUnshare(int error) => error == Errno.ENOENT
        ? new(FailureKind.Configuration, "The program `unshare` is missing: install util-linux (sudo apt install util-linux).")
        : new(FailureKind.Configuration, $"The program `unshare` could not be started: {Errno.Text(error)}.");

    /// <summary>`unshare` or the helper ended before the link was up, with <paramref name="output"/> on standard error.</summary>
    public static CulvertException Ended(int exitCode, string output, bool userNamespace)
    {
        string said = string.Join("; ", output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        said = said.TrimEnd('.');
        if (!said.StartsWith("unshare: ", StringComparison.Ordinal))
        {
            return new(FailureKind.Bug, $"The helper ended with code {exitCode}{(said.Length == 0 ? "" : ": " + said)}.");
        }

        if (said.Contains("option", StringComparison.Ordinal))
        {
            return new(FailureKind.Configuration, $"The program `unshare` is too old, util-linux 2.36 is needed: install it, {WithSudo} ({said}).");
        }

        if (!userNamespace)
        {
            return new(FailureKind.Privilege, $"Not even root may make network namespaces here (a container needs --cap-add SYS_ADMIN): {said}.");
        }

        return new(FailureKind.Privilege, $"{Obstacle()} ({said}).");
    }

    /// <summary>The command could not be executed.</summary>
    public static CulvertException NotExecuted(string command, int error)
    {
        if (error != Errno.ENOENT)
        {
            return new(FailureKind.CommandNotExecutable, $"{command} cannot be executed: {Errno.Text(error)}.");
        }

        return command.Contains('/', StringComparison.Ordinal) && File.Exists(command)
            ? new(FailureKind.CommandNotFound, $"{command} names an interpreter that does not exist.")
            : new(FailureKind.CommandNotFound, $"{command} was not found.");
    }

    private static string Obstacle()
    {
        if (Setting("user/max_user_namespaces") == "0")
        {
            return $"User namespaces are switched off: allow them (sudo sysctl -w user.max_user_namespaces=10000), {WithSudo}";
        }

        if (Setting("kernel/unprivileged_userns_clone") == "0")
        {
            return $"User namespaces are switched off for plain users: allow them (sudo sysctl -w kernel.unprivileged_userns_clone=1), {WithSudo}";
        }

        return Setting("kernel/apparmor_restrict_unprivileged_userns") == "1"
            ? $"AppArmor keeps plain users from user namespaces: allow them (sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0), {WithSudo}"
            : $"This user may not make user namespaces here (a container's or an administrator's rule): allow them, {WithSudo}";
    }

    private static string Setting(string name)
    {
        string path = "/proc/sys/" + name;
        return File.Exists(path) ? File.ReadAllText(path).Trim() : "";
    }
}
