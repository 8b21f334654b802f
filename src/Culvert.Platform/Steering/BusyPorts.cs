using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace Culvert.Platform.Steering;

/// <summary>
/// Ports in use when the tunnel comes. Connection tracking that starts now sees connections from their middle, and takes whoever speaks next for the one who
/// began; these tell who did. (An SSH session that types `culvert up` began outside, a download began here.)
/// </summary>
/// <param name="Listening">TCP ports that are listened on: connections at them began outside.</param>
/// <param name="Connected">UDP ports of connected sockets, as clients have: datagrams to them are answers.</param>
internal sealed record BusyPorts(IReadOnlyCollection<ushort> Listening, IReadOnlyCollection<ushort> Connected)
{
    /// <summary>Reads the kernel's tables of sockets (proc_net_tcp.rst).</summary>
    public static BusyPorts Read() => new(Ports("tcp", "0A"), Ports("udp", "01"));

    /// <summary>Local ports of the sockets in a state, out of /proc/net/tcp's or udp's lines (<c>sl local_address rem_address st</c>, in hexadecimal).</summary>
    public static IEnumerable<ushort> Ports(IEnumerable<string> lines, string state)
    {
        foreach (string line in lines)
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 3 && fields[3] == state
                && ushort.TryParse(fields[1].AsSpan(fields[1].LastIndexOf(':') + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ushort port))
            {
                yield return port;
            }
        }
    }

    private static SortedSet<ushort> Ports(string protocol, string state)
    {
        SortedSet<ushort> ports = [];
        foreach (string table in (ReadOnlySpan<string>)[$"/proc/self/net/{protocol}", $"/proc/self/net/{protocol}6"])
        {
            if (File.Exists(table))
            {
                ports.UnionWith(Ports(File.ReadLines(table), state));
            }
        }

        return ports;
    }
}
