using System.Collections.Generic;
using System.Net;

namespace Culvert.Discovery;

/// <summary>A gateway that told a link of itself. Who it really is, only its key says.</summary>
/// <param name="Name">What it says it is called.</param>
/// <param name="Endpoints">Where it says it listens; a link-local address has its zone.</param>
public sealed record FoundGateway(string Name, IReadOnlyList<IPEndPoint> Endpoints);
