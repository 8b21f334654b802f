using System.Net;

namespace Culvert.Platform.Netlink;

/// <summary>A route of one of our tables, or (as read) of any.</summary>
/// <param name="Table">The table's number.</param>
/// <param name="Destination">Where it leads.</param>
/// <param name="Interface">The number of the interface it leads out of; 0 for a route that says: look further in the next table ("throw").</param>
internal readonly record struct TableRoute(uint Table, IPNetwork Destination, uint Interface);
