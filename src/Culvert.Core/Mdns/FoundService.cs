using System;
using System.Collections.Generic;
using System.Net;

namespace Culvert.Core.Mdns;

/// <summary>A service that was found on a link.</summary>
/// <param name="Name">What a person called it.</param>
/// <param name="Host">Its host's domain name.</param>
/// <param name="Port">Its port.</param>
/// <param name="Addresses">Its host's addresses.</param>
/// <param name="Text">The data of its TXT record (RFC 6763 section 6).</param>
public sealed record FoundService(string Name, string Host, ushort Port, IReadOnlyList<IPAddress> Addresses, ReadOnlyMemory<byte> Text);
