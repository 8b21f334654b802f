using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Culvert.Cli.Commands;

/// <summary>A gateway as <c>nearby --json</c> tells of it.</summary>
/// <param name="Name">What it says it is called.</param>
/// <param name="Addresses">Where it says it listens.</param>
internal sealed record NearbyGateway(string Name, IReadOnlyList<string> Addresses);

/// <summary>How it is written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(NearbyGateway))]
internal sealed partial class NearbyJson : JsonSerializerContext;
