using System;
using System.Collections.Generic;
using System.Text.Json;
using System.Text.Json.Serialization;
using Culvert.Core;
using Culvert.Core.Session;

namespace Culvert.Trust;

/// <summary>The content of <c>trust.json</c>. Fields that it does not know are kept.</summary>
internal sealed record TrustFile
{
    /// <summary>The version that is written, and the highest that is read.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Peers in it at most.</summary>
    public const int MaxPeers = 1000;

    /// <summary>Its format.</summary>
    public required int Version { get; init; }

    /// <summary>The peers in the order they came.</summary>
    public required IReadOnlyList<TrustedPeer> Peers { get; init; }

    /// <summary>What a later version keeps here; it stays.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }

    /// <summary>Reads the content of the file <paramref name="path"/>.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: what is wrong with it, and where.</exception>
    public static TrustFile Parse(string path, ReadOnlySpan<byte> content)
    {
        TrustFile? file;
        try
        {
            file = JsonSerializer.Deserialize(content, TrustJson.Default.TrustFile);
        }
        catch (JsonException e)
        {
            // The message repeats the place in words of the framework; its first sentence says what is wrong.
            string what = e.Message.Split(" Path: ")[0].TrimEnd('.');
            throw Wrong($"{path}:{(e.LineNumber ?? 0) + 1}", what, e);
        }

        if (file is null)
        {
            throw Wrong(path, "it holds nothing");
        }

        if (file.Version is < 1 or > CurrentVersion)
        {
            throw Wrong(path, $"it is of version {file.Version}, and this Culvert knows {CurrentVersion}");
        }

        Check(path, file.Peers);
        return file;
    }

    /// <summary>The bytes of the file.</summary>
    public byte[] Write() => [.. JsonSerializer.SerializeToUtf8Bytes(this, TrustJson.Default.TrustFile), (byte)'\n'];

    private static void Check(string path, IReadOnlyList<TrustedPeer?> peers)
    {
        HashSet<(PeerKind, string)> names = [];
        HashSet<(PeerKind, KeyHash)> keys = [];
        foreach (TrustedPeer? peer in peers)
        {
            if (peer is null)
            {
                throw Wrong(path, "one of the peers is nothing");
            }

            if (!PairName.IsName(peer.Name))
            {
                throw Wrong(path, $"'{peer.Name}' cannot be a name");
            }

            if (!names.Add((peer.Kind, peer.Name.ToUpperInvariant())) || !keys.Add((peer.Kind, peer.Key)))
            {
                throw Wrong(path, $"'{peer.Name}' or its key is there twice");
            }
        }

        if (peers.Count > MaxPeers)
        {
            throw Wrong(path, $"there are more than {MaxPeers} peers in it");
        }
    }

    private static CulvertException Wrong(string where, string what, Exception? cause = null) =>
        new(FailureKind.Configuration, $"{where}: {what}. The file is left as it is; mend it, or move it away and pair again.", cause);
}

/// <summary>How the file is written: for people too.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(TrustFile))]
internal sealed partial class TrustJson : JsonSerializerContext;
