namespace Culvert.Core.Packets;

/// <summary>What the fragments of one packet have in common (RFC 791 section 3.2; for IPv6 without the protocol, RFC 8200 section 4.5).</summary>
internal readonly record struct FragmentKey(IpAddr Source, IpAddr Destination, byte Protocol, uint Id);
