using System.Text.Json.Serialization;

namespace Culvert.Trust;

/// <summary>What a peer is to us.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PeerKind>))]
public enum PeerKind
{
    /// <summary>It may leave through us.</summary>
    [JsonStringEnumMemberName("device")]
    Device,

    /// <summary>We leave through it.</summary>
    [JsonStringEnumMemberName("gateway")]
    Gateway,
}
