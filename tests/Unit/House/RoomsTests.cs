using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using Xunit;

namespace Culvert.Tests.Unit.House;

/// <summary>
/// A room is a folder; this is the list of the neighbours each may use, and why not more. Project references hold the
/// outer rules; this one reads <c>using</c> lines.
/// </summary>
public sealed class RoomsTests
{
    private static readonly Dictionary<string, Room> Rooms = new()
    {
        ["Culvert.Core"] = new([], "what everything stands on"),
        ["Culvert.Core.Packets"] = new(["Culvert.Core"], "packets know of nothing above them"),
        ["Culvert.Core.Stack"] = new(["Culvert.Core", "Culvert.Core.Packets", "Culvert.Core.Stack.Tcp"], "the stack turns packets into flows and knows of no protocol above TCP and UDP"),
        ["Culvert.Core.Stack.Tcp"] = new(["Culvert.Core", "Culvert.Core.Packets"], "the parts TCP is made of; they know neither flows nor the stack"),
        ["Culvert.Core.Dns"] = new(["Culvert.Core", "Culvert.Core.Packets"], "a codec; who asks whom is the affair of Culvert.Names"),
        ["Culvert.Core.Session"] = new(["Culvert.Core", "Culvert.Core.Packets"], "a protocol over any byte stream: of packets it knows their blocks and addresses only"),
        ["Culvert.Core.Mdns"] = new(["Culvert.Core", "Culvert.Core.Dns"], "what is said on a link, and when; who carries it there is the affair of Culvert.Discovery"),
        ["Culvert.Core.Proxy"] = new(["Culvert.Core"], "codecs; entries and exits do the talking"),
        ["Culvert.Platform"] = new(["Culvert.Core", "Culvert.Platform.Interop"], "the operating system knows of no flows"),
        ["Culvert.Platform.Interop"] = new(["Culvert.Core"], "P/Invoke and nothing else"),
        ["Culvert.Platform.Channel"] = new(["Culvert.Core", "Culvert.Core.Dns", "Culvert.Platform.Interop"], "what the engine and the helper say to each other"),
        ["Culvert.Platform.Links"] = new(["Culvert.Core", "Culvert.Core.Packets", "Culvert.Platform.Interop"], "a link gives and takes packets"),
        ["Culvert.Platform.Netlink"] = new(["Culvert.Core", "Culvert.Platform.Channel", "Culvert.Platform.Interop"], "what the kernel is told about the network, and by whose order is the affair of others"),
        ["Culvert.Platform.Undo"] = new(["Culvert.Core", "Culvert.Platform.Interop", "Culvert.Platform.Netlink"], "undoing needs no more than the journal and the kernel"),
        ["Culvert.Platform.Install"] = new(["Culvert.Core", "Culvert.Platform.Linux", "Culvert.Platform.Steering", "Culvert.Platform.Undo"], "texts for the system, and having it take note of them"),
        ["Culvert.Platform.Steering"] = new(["Culvert.Core", "Culvert.Platform.Channel", "Culvert.Platform.Interop", "Culvert.Platform.Linux", "Culvert.Platform.Netlink", "Culvert.Platform.Undo"], "the helper's part of up: privileged, so no protocol of the network is parsed here"),
        ["Culvert.Platform.Linux"] = new(["Culvert.Core", "Culvert.Core.Dns", "Culvert.Core.Packets", "Culvert.Platform.Channel", "Culvert.Platform.Interop", "Culvert.Platform.Links", "Culvert.Platform.Netlink"], "the system's parts, told the tunnel's own addresses; no protocol of the network is parsed here"),
        ["Culvert.Platform.Network"] = new(["Culvert.Core", "Culvert.Platform.Interop", "Culvert.Platform.Netlink"], "what the machine's own network looks like, read without privileges"),
        ["Culvert.Platform.Files"] = new(["Culvert.Core", "Culvert.Platform.Interop"], "files that are kept whole and watched, whatever is in them"),
        ["Culvert.Flows"] = new(["Culvert.Core", "Culvert.Core.Packets"], "the seams between entries and exits know of neither"),
        ["Culvert.Flows.Socks"] = new(["Culvert.Core", "Culvert.Core.Proxy", "Culvert.Flows"], "what the SOCKS entry and the SOCKS exit have in common"),
        ["Culvert.Names"] = new(["Culvert.Core", "Culvert.Core.Dns", "Culvert.Core.Packets", "Culvert.Flows", "Culvert.Platform"], "names are answered through the exit's seam, whatever exit it is"),
        ["Culvert.Exits"] = new(["Culvert.Core", "Culvert.Core.Packets", "Culvert.Core.Proxy", "Culvert.Core.Session", "Culvert.Flows", "Culvert.Flows.Socks", "Culvert.Names", "Culvert.Platform", "Culvert.Sessions", "Culvert.Transports", "Culvert.Trust"], "an exit does not know who uses it"),
        ["Culvert.Entries"] = new(["Culvert.Core", "Culvert.Core.Proxy", "Culvert.Flows", "Culvert.Flows.Socks"], "an entry knows exits by their seam only"),
        ["Culvert.Entries.Tun"] = new(["Culvert.Core", "Culvert.Core.Packets", "Culvert.Core.Stack", "Culvert.Flows", "Culvert.Names", "Culvert.Platform", "Culvert.Platform.Links"], "an entry knows exits by their seam only"),
        ["Culvert.Discovery"] = new(["Culvert.Core", "Culvert.Core.Mdns", "Culvert.Flows", "Culvert.Platform", "Culvert.Platform.Network"], "carries multicast DNS to the links and back; what is said there is decided in the core"),
        ["Culvert.Gateway"] = new(["Culvert.Core", "Culvert.Core.Dns", "Culvert.Core.Packets", "Culvert.Core.Session", "Culvert.Exits", "Culvert.Flows", "Culvert.Pairing", "Culvert.Platform", "Culvert.Platform.Files", "Culvert.Platform.Network", "Culvert.Sessions", "Culvert.Trust"], "whom a gateway serves, and what it lets them do; by what they come in is the affair of transports"),
        ["Culvert.Pairing"] = new(["Culvert.Core", "Culvert.Core.Packets", "Culvert.Core.Session", "Culvert.Exits", "Culvert.Flows", "Culvert.Transports", "Culvert.Trust"], "makes two keys known to each other; who listens, and who asks the person, is the affair of others"),
        ["Culvert.Serving"] = new(["Culvert.Core", "Culvert.Core.Packets", "Culvert.Core.Session", "Culvert.Discovery", "Culvert.Entries", "Culvert.Exits", "Culvert.Flows", "Culvert.Gateway", "Culvert.Names", "Culvert.Pairing", "Culvert.Platform.Network", "Culvert.Transports", "Culvert.Trust"], "holds a whole gateway together: what it listens on, whom it trusts, where it leaves"),
        ["Culvert.Sessions"] = new(["Culvert.Core", "Culvert.Core.Packets", "Culvert.Core.Session", "Culvert.Flows", "Culvert.Platform"], "drives the pure session over any transport; who is at the other end is the affair of exit and gateway"),
        ["Culvert.Transports"] = new(["Culvert.Core", "Culvert.Core.Packets", "Culvert.Flows", "Culvert.Trust"], "a transport carries bytes, whatever session is in them"),
        ["Culvert.Trust"] = new(["Culvert.Core", "Culvert.Core.Session", "Culvert.Platform.Files"], "who we are and whom we know; how they speak is the affair of transports and session"),
        ["Culvert.Tunnel"] = new(["Culvert.Core", "Culvert.Core.Dns", "Culvert.Entries.Tun", "Culvert.Exits", "Culvert.Flows", "Culvert.Names", "Culvert.Platform", "Culvert.Platform.Channel", "Culvert.Platform.Links", "Culvert.Platform.Linux", "Culvert.Platform.Network", "Culvert.Trust"], "the supervisor holds the whole engine together"),
    };

    private sealed record Room(string[] Neighbours, string Why);

    [Fact]
    public void NoRoomReachesAcross()
    {
        List<string> refused = [];
        foreach ((string room, string file) in SourceFiles())
        {
            if (!Rooms.TryGetValue(room, out Room? rules))
            {
                refused.Add($"{file}: room {room} is not in the list; add it with the neighbours it may use");
                continue;
            }

            foreach (string line in File.ReadLines(file).Where(static l => l.StartsWith("using Culvert", StringComparison.Ordinal)))
            {
                string used = line["using ".Length..].TrimEnd(';').Trim();
                if (used != room && !rules.Neighbours.Contains(used))
                {
                    refused.Add($"{file}: {room} may not use {used}: {rules.Why}");
                }
            }
        }

        Assert.True(refused.Count == 0, string.Join('\n', refused));
    }

    [Fact]
    public void NamespaceIsFolder()
    {
        List<string> wrong = [];
        foreach ((string room, string file) in SourceFiles())
        {
            if (File.ReadLines(file).FirstOrDefault(static l => l.StartsWith("namespace ", StringComparison.Ordinal)) is string line
                && line != $"namespace {room};")
            {
                wrong.Add($"{file}: says '{line}', stands in {room}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void OnlyInteropCallsTheSystemDirectly()
    {
        string[] strays = [.. SourceFiles()
            .Where(static f => f.Room != "Culvert.Platform.Interop")
            .Where(static f => File.ReadAllText(f.File) is string text && (text.Contains("[LibraryImport", StringComparison.Ordinal) || text.Contains("[DllImport", StringComparison.Ordinal)))
            .Select(static f => f.File)];
        Assert.True(strays.Length == 0, "P/Invoke belongs in Culvert.Platform/Interop: " + string.Join(", ", strays));
    }

    [Fact]
    public void TheWayOfAPacketLoadsNoOpenSsl()
    {
        string[] strays = [.. SourceFiles()
            .Where(static f => f.Room is "Culvert.Core.Packets" or "Culvert.Core.Stack" or "Culvert.Core.Stack.Tcp" or "Culvert.Entries.Tun")
            .Where(static f => File.ReadLines(f.File).Contains("using System.Security.Cryptography;"))
            .Select(static f => f.File)];
        Assert.True(strays.Length == 0, "The framework's hashes cost a tunnel without TLS 5 MB of OpenSSL; there is SipHash and SystemRandom: " + string.Join(", ", strays));
    }

    private static IEnumerable<(string Room, string File)> SourceFiles([CallerFilePath] string here = "")
    {
        string source = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../src"));
        foreach (string project in new[] { "Culvert.Core", "Culvert.Platform", "Culvert" })
        {
            string root = Path.Combine(source, project);
            foreach (string file in Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories))
            {
                string folder = Path.GetRelativePath(root, Path.GetDirectoryName(file)!);
                if (!folder.Split('/').Any(static part => part is "obj" or "bin"))
                {
                    yield return (folder == "." ? project : $"{project}.{folder.Replace('/', '.')}", file);
                }
            }
        }
    }
}
