using System;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Culvert.Core.Packets;

namespace Culvert.Gateway;

/// <summary>
/// All addresses that begin with the same bits (RFC 4632). IPv4 stands in its mapped form, as in <see cref="IpAddr"/>, so that <c>10.0.0.0/8</c> has 104 bits
/// here and one comparison serves both families.
/// </summary>
/// <param name="First">The lowest address.</param>
/// <param name="Bits">How many leading bits of 128 are equal in all of them.</param>
internal readonly record struct AddressRange(IpAddr First, int Bits)
{
    private const int MappedBits = 96;

    private UInt128 Mask => Bits == 0 ? UInt128.Zero : UInt128.MaxValue << (128 - Bits);

    /// <summary>One address alone.</summary>
    public static AddressRange Of(IpAddr address) => new(address, 128);

    /// <summary>Reads a range that is known to be right.</summary>
    public static AddressRange Parse(string text) =>
        TryParse(text, out AddressRange range, out string wrong, out _) ? range : throw new ArgumentException($"{text}: {wrong}", nameof(text));

    /// <summary>
    /// Reads <c>10.0.0.0/8</c>, <c>fd00::/8</c> or an address alone. Strict, because what is written here decides who gets where: IPv4 has four decimal numbers, no
    /// bit stands behind the prefix. When false, <paramref name="wrong"/> says why, and <paramref name="at"/> where in the text.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out AddressRange range, out string wrong, out int at)
    {
        range = default;
        int slash = text.IndexOf('/');
        ReadOnlySpan<char> host = slash < 0 ? text : text[..slash];
        at = 0;
        if (!IPAddress.TryParse(host, out IPAddress? parsed) || host.Contains('%') || host.Contains('[') || (parsed.AddressFamily == AddressFamily.InterNetwork && !parsed.ToString().AsSpan().SequenceEqual(host)))
        {
            wrong = "this is no address in its usual form";
            return false;
        }

        IpAddr address = IpAddr.From(parsed);
        int width = parsed.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        int prefix = width;
        at = slash + 1;
        if (slash >= 0 && !(int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out prefix) && prefix <= width))
        {
            wrong = $"behind the slash stands a number of bits, here at most {width}";
            return false;
        }

        range = new AddressRange(address, width == 32 ? prefix + MappedBits : prefix);
        AddressRange whole = range with { First = IpAddr.FromBits(address.Bits & range.Mask) };
        wrong = $"the address has bits behind the prefix; the range is {whole}";
        return range == whole;
    }

    /// <summary>Whether <paramref name="address"/> is in it.</summary>
    public bool Contains(IpAddr address) => ((address.Bits ^ First.Bits) & Mask) == 0;

    /// <summary>Whether all of <paramref name="other"/> is in it.</summary>
    public bool Contains(AddressRange other) => other.Bits >= Bits && Contains(other.First);

    /// <inheritdoc/>
    public override string ToString() =>
        Bits == 128 ? First.ToString() : $"{First}/{(First.IsV4 && Bits >= MappedBits ? Bits - MappedBits : Bits)}";
}
