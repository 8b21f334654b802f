namespace Culvert.Gateway;

/// <summary>What happened at a gateway.</summary>
public enum GatewayEventKind
{
    /// <summary>Somebody was turned away who has not shown a key that is trusted; <see cref="GatewayEvent.Reason"/> says why.</summary>
    Refused,

    /// <summary>A device has begun a session.</summary>
    Opened,

    /// <summary>A device goes on with its session over another transport.</summary>
    Resumed,

    /// <summary>A session is over; <see cref="GatewayEvent.Reason"/> says why.</summary>
    Closed,
}

/// <summary>Somebody came or went. Never says anything of destinations.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="From">The address it came from; <c>local</c> where there is none: a unix socket, standard input.</param>
/// <param name="Device">The device's name; empty for a stranger, and for whoever may use a transport of this machine.</param>
/// <param name="Reason">A word, small letters and dashes; empty where there is nothing to give a reason for.</param>
public sealed record GatewayEvent(GatewayEventKind Kind, string From, string Device, string Reason);
