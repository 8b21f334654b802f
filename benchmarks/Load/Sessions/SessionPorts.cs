namespace Culvert.Bench.Load.Sessions;

/// <summary>Where the far side of sessions listens, and what the ports of destinations behind it do.</summary>
internal static class SessionPorts
{
    /// <summary>VSHP over TLS.</summary>
    internal const int Vshp = 7443;

    /// <summary>TLS alone; the first byte says what is wanted.</summary>
    internal const int Plain = 7444;

    /// <summary>Takes all that comes, and counts it.</summary>
    internal const ushort Sink = 9;

    /// <summary>Sends for as long as it is taken.</summary>
    internal const ushort Source = 19;

    /// <summary>Sends back what came.</summary>
    internal const ushort Echo = 7;

    /// <summary>Bytes of a read or a write of bulk.</summary>
    internal const int BlockSize = 64 * 1024;

    /// <summary>Bytes of a request whose round trip is measured.</summary>
    internal const int RequestSize = 100;
}
