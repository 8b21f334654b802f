using System;
using System.Collections.Generic;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Run;

/// <summary>
/// An application that has the system cut and join its datagrams (UDP_SEGMENT, UDP_GRO), as QUIC stacks do: runs of them pass the link whole where it has
/// the offloads, and every datagram arrives whatever has them.
/// </summary>
public sealed class DatagramRunTests(LabFixture fixture) : RunTest(fixture)
{
    [LabTheory("python3")]
    [InlineData("203.0.113.10", null, null, true)]
    [InlineData("2001:db8:3::10", null, null, true)]
    [InlineData("203.0.113.10", "CULVERT_OFFLOAD", "0", false)]
    [InlineData("203.0.113.10", "CULVERT_SOCKETS", "portable", false)]
    public void RunsOfDatagramsAreEchoed(string address, string? variable, string? value, bool joined)
    {
        CommandOptions options = variable is null ? new() : new() { Environment = new Dictionary<string, string?> { [variable] = value } };
        string output = Through("", Script(address), options).Ok().Output;
        Assert.StartsWith("all came", output, StringComparison.Ordinal);
        Assert.True(!joined || output.Contains("in runs", StringComparison.Ordinal), "no run came down as one packet");
    }

    [LabFact("python3", "danted")]
    public void RunsOfDatagramsGoThroughASocksExit()
    {
        OnlyTheExit(datagrams: true);
        Own(Servers.Dante(Network, Network.Exit));
        Assert.StartsWith("all came", Through($"socks5://{Network.Exit.V4}:1080", Script("203.0.113.10")).Ok().Output, StringComparison.Ordinal);
    }

    // Sends runs of 31 datagrams with one call each, until all of one have come back and some have come joined; 10 times at most.
    private static string Script(string address) => $"""
        /usr/bin/python3 - <<'END'
        import os, socket, struct
        SOL_UDP, UDP_SEGMENT, UDP_GRO = 17, 103, 104
        s = socket.socket(socket.AF_INET6 if ':' in '{address}' else socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(2)
        s.setsockopt(SOL_UDP, UDP_GRO, 1)
        whole = runs = False
        for attempt in range(10):
            data = os.urandom(30 * 1200 + 77)
            want = [data[i:i + 1200] for i in range(0, len(data), 1200)]
            s.sendmsg([data], [(SOL_UDP, UDP_SEGMENT, struct.pack('H', 1200))], 0, ('{address}', 7))
            got = []
            while len(got) < len(want):
                try:
                    message, control, _, source = s.recvmsg(65536, 64)
                except TimeoutError:
                    break
                assert source[:2] == ('{address}', 7), source
                size = next((struct.unpack('i', c[:4])[0] for l, t, c in control if (l, t) == (SOL_UDP, UDP_GRO)), len(message))
                runs |= size < len(message)
                parts = [message[i:i + size] for i in range(0, len(message), size)]
                got += [p for p in parts if p in want] # an attempt before this one may have been slow
            whole |= sorted(got) == sorted(want)
            if whole and runs:
                break
        print(('all came' if whole else 'some were lost') + (' in runs' if runs else ''))
        END
        """;
}
