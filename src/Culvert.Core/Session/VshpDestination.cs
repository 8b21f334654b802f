using System;
using System.Buffers.Binary;
using System.Text;
using Culvert.Core.Packets;

namespace Culvert.Core.Session;

/// <summary>How a <see cref="VshpDestination"/> is given; the number on the wire.</summary>
public enum DestinationKind : byte
{
    /// <summary>The name of a host.</summary>
    Name = 1,

    /// <summary>The path of a unix socket.</summary>
    Path = 2,

    /// <summary>An IPv4 address.</summary>
    V4 = 4,

    /// <summary>An IPv6 address.</summary>
    V6 = 6,
}

/// <summary>Where a stream or a datagram goes, or where a datagram came from (docs/protocol.md, Destinations).</summary>
public readonly record struct VshpDestination
{
    /// <summary>Bytes of the shortest.</summary>
    public const int MinSize = 5;

    /// <summary>Bytes of the longest.</summary>
    public const int MaxSize = 4 + MaxText;

    private const int MaxText = 255;

    private VshpDestination(DestinationKind kind, IpAddr address, string? text, ushort port)
    {
        Kind = kind;
        Address = address;
        Text = text;
        Port = port;
    }

    /// <summary>Which of the two that follow is meant.</summary>
    public DestinationKind Kind { get; }

    /// <summary>The address, of kind V4 or V6.</summary>
    public IpAddr Address { get; }

    /// <summary>The name or the path, of kind Name or Path; 1 to 255 bytes of UTF-8 without a zero.</summary>
    public string? Text { get; }

    /// <summary>The port; 0 for a path.</summary>
    public ushort Port { get; }

    /// <summary>Bytes on the wire.</summary>
    public int Size => 3 + (Kind switch
    {
        DestinationKind.V4 => 4,
        DestinationKind.V6 => 16,
        _ => 1 + Encoding.UTF8.GetByteCount(Text ?? ""),
    });

    /// <summary>An address and a port.</summary>
    public static VshpDestination To(IpAddr address, ushort port) => new(address.IsV4 ? DestinationKind.V4 : DestinationKind.V6, address, null, port);

    /// <summary>A host's name and a port; throws where it is not 1 to 255 bytes without a zero.</summary>
    public static VshpDestination ToName(string name, ushort port) => new(DestinationKind.Name, default, Checked(name), port);

    /// <summary>A unix socket; throws where its path is not 1 to 255 bytes without a zero.</summary>
    public static VshpDestination ToPath(string path) => new(DestinationKind.Path, default, Checked(path), 0);

    /// <summary>Reads one; <paramref name="size"/> is how many bytes it took.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out VshpDestination destination, out int size)
    {
        destination = default;
        size = 0;
        if (bytes.Length < MinSize)
        {
            return false;
        }

        DestinationKind kind = (DestinationKind)bytes[0];
        ushort port = BinaryPrimitives.ReadUInt16BigEndian(bytes[1..]);
        bytes = bytes[3..];
        switch (kind)
        {
            case DestinationKind.V4 when bytes.Length >= 4:
                destination = new VshpDestination(kind, IpAddr.Read(bytes[..4]), null, port);
                size = 7;
                return true;
            case DestinationKind.V6 when bytes.Length >= 16:
                IpAddr address = IpAddr.Read(bytes[..16]);
                // A mapped address would be an IPv4 one in disguise, and rules about addresses must not be got around.
                destination = new VshpDestination(kind, address, null, port);
                size = 19;
                return !address.IsV4;
            case DestinationKind.Name or DestinationKind.Path when bytes[0] > 0 && bytes[0] < bytes.Length && (kind == DestinationKind.Name || port == 0):
                ReadOnlySpan<byte> text = bytes.Slice(1, bytes[0]);
                if (text.Contains((byte)0) || !WireText.TryRead(text, out string read))
                {
                    return false;
                }

                destination = new VshpDestination(kind, default, read, port);
                size = 4 + text.Length;
                return true;
            default:
                return false;
        }
    }

    /// <summary>Writes <see cref="Size"/> bytes and returns how many.</summary>
    public int Write(Span<byte> bytes)
    {
        bytes[0] = (byte)Kind;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[1..], Port);
        switch (Kind)
        {
            case DestinationKind.V4:
            case DestinationKind.V6:
                Address.Write(bytes[3..]);
                return 3 + Address.Size;
            default:
                int length = Encoding.UTF8.GetBytes(Text, bytes[4..]);
                bytes[3] = (byte)length;
                return 4 + length;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        DestinationKind.V4 or DestinationKind.V6 => new IpEndpoint(Address, Port).ToString(),
        DestinationKind.Path => $"unix:{Text}",
        _ => $"{Text}:{Port}",
    };

    private static string Checked(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1, nameof(text));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaxText, nameof(text));
        ArgumentOutOfRangeException.ThrowIfNotEqual(text.Contains('\0'), false, nameof(text));
        return text;
    }
}
