namespace Culvert.Core.Mdns;

/// <summary>Who takes part in multicast DNS on a link: messages and times in milliseconds go in, messages and the next deadline come out.</summary>
public interface IMdnsParty
{
    /// <summary>When <see cref="Advance"/> is to be called next; <see cref="long.MaxValue"/> for never.</summary>
    long Deadline { get; }

    /// <summary>Begins.</summary>
    void Start(long now);

    /// <summary>Takes a message from the link, our own included.</summary>
    /// <param name="message">The message.</param>
    /// <param name="isLegacy">It came from another port than that of multicast DNS, so that its sender knows ordinary DNS only (RFC 6762 section 6.7).</param>
    /// <param name="now">The time.</param>
    void Receive(MdnsMessage message, bool isLegacy, long now);

    /// <summary>Does what is due.</summary>
    void Advance(long now);

    /// <summary>Takes the next message to send.</summary>
    bool TryTake(out MdnsOutgoing outgoing);

    /// <summary>Says good-bye, and nothing from then on.</summary>
    void Stop();
}
