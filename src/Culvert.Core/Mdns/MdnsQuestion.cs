using Culvert.Core.Dns;

namespace Culvert.Core.Mdns;

/// <summary>A question of multicast DNS (RFC 6762 section 5).</summary>
/// <param name="Name">The name asked for, as <see cref="DnsName"/> writes it.</param>
/// <param name="Type">The type asked for; <see cref="DnsType.Any"/> asks for all.</param>
/// <param name="WantsUnicast">The QU bit: the answer may come to the asker alone.</param>
public readonly record struct MdnsQuestion(string Name, DnsType Type, bool WantsUnicast)
{
    /// <summary>Whether <paramref name="record"/> answers it.</summary>
    public bool Asks(in MdnsRecord record) => (Type == DnsType.Any || Type == record.Type) && Name == record.Name;
}
