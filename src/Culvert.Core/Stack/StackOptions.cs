namespace Culvert.Core.Stack;

/// <summary>Limits and habits of an <see cref="IpStack"/>. Times in microseconds, sizes in bytes.</summary>
public sealed record StackOptions
{
    /// <summary>Largest IP packet the link takes, headers included (576 to 65,535).</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>The link takes super-segments and partial checksums (<c>ILink.Offloads</c>).</summary>
    public bool Offloads { get; init; }

    /// <summary>The link cuts runs of datagrams too (<c>ILink.CutsDatagrams</c>).</summary>
    public bool CutsDatagrams { get; init; }

    /// <summary>TCP connections at a time; a SYN beyond is answered with RST.</summary>
    public int MaxTcpFlows { get; init; } = 16_384;

    /// <summary>TCP connections that wait for their exit at a time; a SYN beyond is dropped, so that the application tries again.</summary>
    public int MaxOpening { get; init; } = 1_024;

    /// <summary>UDP flows at a time; beyond, the one idle the longest goes.</summary>
    public int MaxUdpFlows { get; init; } = 4_096;

    /// <summary>Bytes received and not yet consumed, a flow: the largest window offered.</summary>
    public int ReceiveBuffer { get; init; } = 1 << 20;

    /// <summary>Bytes to send and not yet acknowledged, a flow.</summary>
    public int SendBuffer { get; init; } = 1 << 20;

    /// <summary>A UDP flow without a datagram either way for so long is closed (RFC 4787 REQ-5: at least 2 minutes).</summary>
    public long UdpIdle { get; init; } = 300_000_000;

    /// <summary>The first keep-alive probe after so long without a segment (RFC 9293 section 3.8.4); 0 for none.</summary>
    public long KeepAlive { get; init; } = 7_200_000_000;

    /// <summary>2 MSL (RFC 9293 section 3.4.2); short, because both ends of a link are on one machine.</summary>
    public long TimeWait { get; init; } = 10_000_000;

    /// <summary>Fragments kept for reassembly, in bytes over all packets; beyond, the oldest packet goes.</summary>
    public int MaxFragmentBytes { get; init; } = 1 << 20;

    /// <summary>Datagrams and echo replies that wait for the link, and as much again that wait as events, in bytes of their blocks; beyond, a datagram is
    /// dropped.</summary>
    public int MaxDatagramBytes { get; init; } = 8 << 20;
}
