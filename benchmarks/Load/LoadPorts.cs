namespace Culvert.Bench.Load;

/// <summary>What the load server listens on.</summary>
internal static class LoadPorts
{
    /// <summary>Reads everything and counts it.</summary>
    internal const int Sink = 7001;

    /// <summary>Sends for as long as the client reads.</summary>
    internal const int Source = 7002;

    /// <summary>Answers requests of <see cref="RequestLength"/> bytes; the first four say how long the answer is to be.</summary>
    internal const int Requests = 7003;

    /// <summary>Says one byte and keeps the connection.</summary>
    internal const int Hold = 7004;

    /// <summary>Counts datagrams.</summary>
    internal const int Datagrams = 7005;

    /// <summary>The first of <see cref="OnceCount"/> ports that send one byte back and wait for the end; several, so that closed connections use up no port range.</summary>
    internal const int Once = 7100;

    /// <summary>How many ports from <see cref="Once"/> on.</summary>
    internal const int OnceCount = 16;

    /// <summary>Bytes of a request.</summary>
    internal const int RequestLength = 100;
}
