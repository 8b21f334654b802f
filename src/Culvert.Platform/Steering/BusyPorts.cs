using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Culvert.Core;

namespace Culvert.Platform.Steering;

/// <summary>
/// Ports in use when the tunnel comes. Connection tracking that starts now sees connections from their middle, and takes whoever speaks next for the one who
/// began; these tell who did. (An SSH session that types `culvert up` began outside, a download began here.)
/// </summary>
/// <param name="Listening">TCP ports that are listened on: connections at them began outside.</param>
/// <param name="Asking">
/// UDP ports that datagrams come to as answers: those of connected sockets, and those that the system gives out by itself (ip_local_port_range) to who asks for
/// none. A server that has chosen such a port is taken for a client, and answers older peers through the tunnel: the other error would be a leak.
/// </param>
internal sealed record BusyPorts(IReadOnlyCollection<ushort> Listening, IReadOnlyCollection<ushort> Asking)
{
    // States of sockets (include/net/tcp_states.h), in hexadecimal; a UDP socket that is not connected is "closed".
    private const string Established = "01";
    private const string Closed = "07";
    private const string Listen = "0A";

    /// <summary>Reads the kernel's tables of sockets (proc_net_tcp.rst).</summary>
    public static BusyPorts Read()
    {
        (ushort first, ushort last) = Range(File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range"));
        return new(Ports("tcp", Listen), [.. Ports("udp", Established), .. Ports("udp", Closed).Where(port => port >= first && port <= last)]);
    }

    /// <summary>The ports that the system gives out by itself (ip-sysctl.rst).</summary>
    public static (ushort First, ushort Last) Range(string text) =>
        text.Split((char[])[' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries) is [string first, string last]
        && ushort.TryParse(first, CultureInfo.InvariantCulture, out ushort from) && ushort.TryParse(last, CultureInfo.InvariantCulture, out ushort to)
            ? (from, to)
            : throw new CulvertException(FailureKind.Configuration, $"The kernel's range of local ports is none: {text.Trim()}.");

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
