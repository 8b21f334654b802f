using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;

namespace Culvert.Platform.Steering;

/// <summary>
/// Tells systemd-resolved, where it runs, to ask our link's resolvers for every name; by resolvectl(1), its own program. What it is told belongs to the link
/// and vanishes with it, the answers it has kept from there included.
/// </summary>
internal sealed class ResolvedLink(string link)
{
    /// <summary>Most domains of other links that are taken over; names below further ones are asked of those links, and refused by the guard.</summary>
    public const int MaximumDomains = 64;

    private const string Everything = "~.";
    private const string Varlink = "/run/systemd/resolve/io.systemd.Resolve";

    private const int SolSocket = 1;
    private const int PeerCredentials = 17;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private readonly string _link = link;

    /// <summary>Sets the link's resolvers, none for leaving names to the other links; returns what went wrong, in a sentence, or null.</summary>
    public string? Set(IReadOnlyList<IPAddress> resolvers)
    {
        if (!IsRunning())
        {
            return null;
        }

        if (resolvers.Count == 0)
        {
            return Run(["revert", _link], out _);
        }

        return Run(["domain"], out string said) ?? Set(resolvers, Wanted(Domains(said)));
    }

    /// <summary>Sets them again where they have been lost, or where other links have other domains by now; as <see cref="Set(IReadOnlyList{IPAddress})"/>.</summary>
    public string? Follow(IReadOnlyList<IPAddress> resolvers)
    {
        if (!IsRunning())
        {
            return null;
        }

        if (Run(["domain"], out string said) is { } problem)
        {
            return problem;
        }

        IReadOnlyDictionary<string, IReadOnlyList<string>> domains = Domains(said);
        List<string> wanted = Wanted(domains);
        return domains.TryGetValue(_link, out IReadOnlyList<string>? has) && has.ToHashSet().SetEquals(wanted) ? null : Set(resolvers, wanted);
    }

    /// <summary>
    /// What the link is asked for: everything, and by name what other links are asked for. A name is asked of the links whose domain fits it best alone, so a
    /// Wi-Fi that calls itself example.com would keep all names of example.com, and the guard refuses what is asked there.
    /// </summary>
    internal List<string> Wanted(IReadOnlyDictionary<string, IReadOnlyList<string>> domains) =>
        [Everything, .. domains.Where(entry => entry.Key != _link).SelectMany(static entry => entry.Value).Select(static domain => "~" + domain.TrimStart('~')).Where(static domain => domain != Everything).Distinct().Order(StringComparer.Ordinal).Take(MaximumDomains)];

    /// <summary>The domains of each link in what `resolvectl domain` says: <c>Link 2 (eth0): example.com ~other.example</c>, long lists going on in further lines.</summary>
    internal static IReadOnlyDictionary<string, IReadOnlyList<string>> Domains(string said)
    {
        Dictionary<string, IReadOnlyList<string>> all = [];
        List<string> domains = [];
        foreach (string line in said.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string words = line;
            if (line[0] != ' ')
            {
                int colon = line.IndexOf(':', StringComparison.Ordinal);
                int open = line.IndexOf('(', StringComparison.Ordinal);
                int close = colon < 0 ? -1 : line.LastIndexOf(')', colon);
                words = line[(colon + 1)..];
                domains = [];
                if (open >= 0 && close > open)
                {
                    all[line[(open + 1)..close]] = domains;
                }
            }

            domains.AddRange(words.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        }

        return all;
    }

    private string? Set(IReadOnlyList<IPAddress> resolvers, List<string> domains)
    {
        // Nothing of a link that ends in this machine is encrypted, signed or asked of neighbours, whatever is set for the others. In no order, so all at once.
        string[][] settings =
        [
            ["dns", _link, .. resolvers.Select(static resolver => resolver.ToString())],
            ["domain", _link, .. domains],
            ["default-route", _link, "yes"],
            ["llmnr", _link, "no"],
            ["mdns", _link, "no"],
            ["dnsovertls", _link, "no"],
            ["dnssec", _link, "no"],
        ];
        string? first = null;
        foreach ((string verb, Process? process, string? problem) in settings.Select(static setting => (setting[0], Start(setting, out string? problem), problem)).ToList())
        {
            string? trouble = process is null ? problem : Finish(verb, process, out _);
            first ??= trouble;
        }

        return first;
    }

    /// <summary>
    /// It answers at its socket, and in this network: one that is shared with another network namespace's would take our link's number for one of its own.
    /// </summary>
    private bool IsRunning()
    {
        if (!File.Exists(Varlink))
        {
            return false;
        }

        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(Varlink));
            Span<byte> credentials = stackalloc byte[12]; // struct ucred: process, user, group
            socket.GetRawSocketOption(SolSocket, PeerCredentials, credentials);
            string devices = $"/proc/{BitConverter.ToInt32(credentials)}/net/dev";
            return !File.Exists(devices) || File.ReadLines(devices).Any(line => line.AsSpan().TrimStart().StartsWith(_link + ":", StringComparison.Ordinal));
        }
        catch (Exception failure) when (failure is SocketException or IOException or UnauthorizedAccessException)
        {
            return false; // stopped just now; it is heard of when it comes back
        }
    }

    private static string? Run(string[] arguments, out string said)
    {
        said = "";
        Process? process = Start(arguments, out string? problem);
        return process is null ? problem : Finish(arguments[0], process, out said);
    }

    private static Process? Start(string[] arguments, out string? problem)
    {
        problem = null;
        try
        {
            Process process = Process.Start(new ProcessStartInfo("resolvectl", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.StandardInput.Close();
            return process;
        }
        catch (Win32Exception failure)
        {
            problem = $"systemd-resolved runs here, and its program resolvectl cannot be started: {failure.Message}; its queries go through the tunnel or nowhere.";
            return null;
        }
    }

    private static string? Finish(string verb, Process process, out string said)
    {
        using (process)
        {
            // Not closed with the process, once they have been asked for.
            using StreamReader outputs = process.StandardOutput;
            using StreamReader errors = process.StandardError;
            Task<string> output = outputs.ReadToEndAsync();
            Task<string> error = errors.ReadToEndAsync();
            if (!process.WaitForExit(Limit))
            {
                process.Kill();
                process.WaitForExit();
            }

            said = output.GetAwaiter().GetResult();
            string trouble = error.GetAwaiter().GetResult().Trim();
            return process.ExitCode == 0 ? null : $"systemd-resolved could not be told to ask the tunnel (resolvectl {verb}: {(trouble.Length > 0 ? trouble : "no answer")}); its queries go through the tunnel or nowhere.";
        }
    }
}
