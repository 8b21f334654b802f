using System.Net;

namespace Culvert.Cli.LeakTest;

/// <summary>What trying to leave met; the facts that a <see cref="Verdict"/> is made of.</summary>
internal enum Attempt
{
    /// <summary>The system took the packet.</summary>
    Sent,

    /// <summary>The system refused it at once (EPERM and the like): the leak guard's word.</summary>
    Refused,

    /// <summary>There is no way there at all.</summary>
    NoWay,
}

/// <summary>Where a packet of one sort would go, and whether one that insists on the other way may leave.</summary>
/// <param name="Subject">Which traffic, for people.</param>
/// <param name="Source">The address that the system would send from (getsockname behind a connect, which sends nothing); null where it has no route.</param>
/// <param name="Tunnel">The link's own address of that family.</param>
/// <param name="Around">What a packet met that was bound to the machine's own interface; null where that was not tried.</param>
internal sealed record Observation(string Subject, IPAddress? Source, IPAddress Tunnel, Attempt? Around)
{
    /// <summary>What follows from it.</summary>
    public Verdict Judge()
    {
        bool inside = Source is null || Source.Equals(Tunnel);
        string way = Source is null ? "the system has no route for it" : inside ? $"the system sends it from {Source}, the link's own address" : $"the system sends it from {Source}, which is not the link's";
        string around = Around switch
        {
            null => "",
            Attempt.Sent => "; a packet bound to the machine's own interface LEFT",
            Attempt.Refused => "; a packet bound to the machine's own interface was refused by the leak guard",
            _ => "; there is no way around",
        };
        return new Verdict(inside && Around != Attempt.Sent, Subject, way + around);
    }
}
