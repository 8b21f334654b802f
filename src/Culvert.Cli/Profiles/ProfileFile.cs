using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.IO;
using System.Linq;
using Culvert.Core;

namespace Culvert.Cli.Profiles;

/// <summary>
/// The profiles of <c>config.toml</c>: in <c>$XDG_CONFIG_HOME/culvert</c> (<c>~/.config/culvert</c>; of the person who typed sudo, where root was
/// asked for by it), and in <c>/etc/culvert</c> for the service. A file that others may write is refused, and so is one with a password that others may read.
/// </summary>
internal static class ProfileFile
{
    private const string ExitPrefix = "exit.";

    private const UnixFileMode WritableByOthers = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    private const UnixFileMode ReadableByOthers = UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Where profiles are looked for, in this order.</summary>
    public static IReadOnlyList<string> Paths =>
    [
        Path.Combine(ConfigDirectory.Path, "config.toml"),
        "/etc/culvert/config.toml",
    ];

    /// <summary>The profile <paramref name="name"/>; false when there is none, and <paramref name="there"/> says which there are.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: a file is wrong; with file and line.</exception>
    public static bool TryFind(string name, IEnumerable<string> paths, [NotNullWhen(true)] out Profile? profile, out string there)
    {
        there = "";
        List<string> known = [];
        foreach (string path in paths.Where(File.Exists))
        {
            IReadOnlyDictionary<string, Profile> profiles = Load(path);
            if (profiles.TryGetValue(name, out profile))
            {
                return true;
            }

            known.AddRange(profiles.Keys);
        }

        profile = null;
        there = known.Count > 0 ? $"there are {string.Join(", ", known.Order())}" : $"write it into {paths.First()}";
        return false;
    }

    /// <summary>Whether <paramref name="text"/> may be a profile's name: no URI, no address.</summary>
    public static bool IsName(string text) => text.Length > 0 && text != "direct" && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <summary>All profiles of a file.</summary>
    internal static IReadOnlyDictionary<string, Profile> Load(string path)
    {
        string text;
        UnixFileMode mode;
        try
        {
            text = File.ReadAllText(path);
            mode = OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CulvertException(FailureKind.Configuration, $"{path} cannot be read: {e.Message}", e);
        }

        if ((mode & WritableByOthers) != 0)
        {
            throw new CulvertException(FailureKind.Configuration, $"{path} may be written by others, and it names programs to run: chmod go-w {path}");
        }

        Dictionary<string, Profile> profiles = [];
        foreach ((string table, Dictionary<string, TomlValue> keys) in TomlReader.Read(path, text))
        {
            if (table.Length == 0 && keys.Count == 0)
            {
                continue;
            }

            if (!table.StartsWith(ExitPrefix, StringComparison.Ordinal) || !IsName(table[ExitPrefix.Length..]))
            {
                int line = keys.Count > 0 ? keys.Values.First().Line : 1;
                throw TomlReader.Wrong(path, line, $"[{table}] is not known; profiles are tables like [exit.home].");
            }

            profiles[table[ExitPrefix.Length..]] = Read(path, table, new Dictionary<string, TomlValue>(keys), mode);
        }

        return profiles;
    }

    private static Profile Read(string path, string table, Dictionary<string, TomlValue> keys, UnixFileMode mode)
    {
        string? uri = Take<string>(path, keys, "uri", "a string");
        Profile profile = new()
        {
            Uri = uri ?? throw TomlReader.Wrong(path, keys.Count > 0 ? keys.Values.First().Line : 1, $"[{table}] has no uri."),
            Via = Take<string>(path, keys, "via", "a string"),
            Dns = Take<string>(path, keys, "dns", "a string"),
            Mtu = Number(path, keys, "mtu"),
            IPv6 = Take<string>(path, keys, "ipv6", "a string"),
            Exclude = List(path, keys, "exclude"),
            Include = List(path, keys, "include"),
            Lan = Flag(path, keys, "lan"),
            KillSwitch = Flag(path, keys, "kill-switch"),
            User = Take<string>(path, keys, "user", "a string"),
            Group = Take<string>(path, keys, "group", "a string"),
            PostUp = List(path, keys, "post-up"),
            PreDown = List(path, keys, "pre-down"),
        };
        if (keys.Count > 0)
        {
            (string key, TomlValue value) = keys.First();
            throw TomlReader.Wrong(
                path, value.Line, $"'{key}' is not known; there are uri, via, dns, mtu, ipv6, exclude, include, lan, kill-switch, user, group, post-up and pre-down.");
        }

        bool secret = Secrets.Hide(profile.Uri) != profile.Uri || (profile.Via is not null && Secrets.Hide(profile.Via) != profile.Via);
        return secret && (mode & ReadableByOthers) != 0
            ? throw new CulvertException(FailureKind.Configuration, $"{path} holds a password, and others may read it: chmod 600 {path}")
            : profile;
    }

    private static T? Take<T>(string path, Dictionary<string, TomlValue> keys, string key, string kind)
        where T : class
    {
        if (!keys.Remove(key, out TomlValue value))
        {
            return null;
        }

        return value.Value as T ?? throw TomlReader.Wrong(path, value.Line, $"'{key}' is {kind}, not {value.Kind}.");
    }

    private static IReadOnlyList<string> List(string path, Dictionary<string, TomlValue> keys, string key) => keys.Remove(key, out TomlValue value)
        ? value.Strings ?? throw TomlReader.Wrong(path, value.Line, $"'{key}' is a list of strings, not {value.Kind}.")
        : [];

    private static bool? Flag(string path, Dictionary<string, TomlValue> keys, string key) => keys.Remove(key, out TomlValue value)
        ? value.Value as bool? ?? throw TomlReader.Wrong(path, value.Line, $"'{key}' is true or false, not {value.Kind}.")
        : null;

    private static int? Number(string path, Dictionary<string, TomlValue> keys, string key) => keys.Remove(key, out TomlValue value)
        ? value.Value is long number and >= 0 and <= int.MaxValue ? (int)number : throw TomlReader.Wrong(path, value.Line, $"'{key}' is a number, not {value.Kind}.")
        : null;
}
