namespace Culvert.Core.Packets;

/// <summary>An address and a TCP or UDP port.</summary>
public readonly record struct IpEndpoint(IpAddr Address, ushort Port)
{
    /// <inheritdoc/>
    public override string ToString() => Address.IsV4 ? $"{Address}:{Port}" : $"[{Address}]:{Port}";
}
