using System;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Culvert.Trust;

/// <summary>A key's hash as a string of JSON.</summary>
internal sealed class KeyHashConverter : JsonConverter<KeyHash>
{
    /// <inheritdoc/>
    public override KeyHash Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && KeyHash.TryParse(reader.GetString(), out KeyHash hash)
            ? hash
            : throw new JsonException($"a key's hash is {KeyHash.TextSize} characters of base64url");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, KeyHash value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
