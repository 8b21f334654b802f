using System;
using System.Globalization;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Flows;
using Culvert.Trust;

namespace Culvert.Exits;

/// <summary>Finds the addresses of a host name, best first (RFC 6724), or fails with <see cref="System.Net.Sockets.SocketException"/>.</summary>
public delegate Task<IPAddress[]> AddressLookup(string host, CancellationToken cancellation);

/// <summary>Answers one raw DNS message.</summary>
public delegate ValueTask<ReadOnlyMemory<byte>> QueryAnswer(ReadOnlyMemory<byte> query, CancellationToken cancellation);

/// <summary>What an exit is made with besides its <see cref="ExitUri"/>.</summary>
public sealed record ExitOptions
{
    /// <summary>The usual options.</summary>
    public static ExitOptions Default { get; } = new();

    /// <summary>The exit through which a proxy is dialled (<c>--via</c>); null dials it directly. It is disposed of by whoever made it.</summary>
    public IExit? Via { get; init; }

    /// <summary>Who we are to gateways; they are exits for nobody without it. Its maker disposes of it, behind the exit.</summary>
    public Identity? Identity { get; init; }

    /// <summary>How long a connection to a proxy or to a destination may take; behind a proxy's handshake it begins anew for the destination.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a proxy may take for what concerns no destination: its greeting, and our credentials.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How many connections to a proxy are kept ready at most for flows to come, while there are any; 0 has each flow open its own from the start. The environment's
    /// CULVERT_SPARES says another number.
    /// </summary>
    public int MaxSpares { get; init; } =
        int.TryParse(Environment.GetEnvironmentVariable("CULVERT_SPARES"), NumberStyles.None, CultureInfo.InvariantCulture, out int spares) ? spares : 16;

    /// <summary>Says how long they have been kept.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>How long a ping is waited for.</summary>
    public TimeSpan EchoTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Pings under way at a time; more are refused with <see cref="Core.FailureKind.LimitReached"/>.</summary>
    public int MaxEchoes { get; init; } = 128;

    /// <summary>How the direct exit finds addresses; the system's own way by default.</summary>
    public AddressLookup Lookup { get; init; } = Dns.GetHostAddressesAsync;

    /// <summary>
    /// The interface that every socket to the network is bound to before it connects or sends, so that a tunnel which takes the whole machine's traffic does not
    /// take its own; null where the machine's routes may decide.
    /// </summary>
    public OutgoingInterface? Outgoing { get; init; }

    /// <summary>How the direct exit answers raw DNS messages; null asks the system's name servers.</summary>
    public QueryAnswer? Answer { get; init; }
}
