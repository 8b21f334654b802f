using System.Net;

namespace Culvert.Core.Dns;

/// <summary>The two addresses that stand for one name inside the tunnel.</summary>
public readonly record struct FakeAddresses(IPAddress V4, IPAddress V6);
