using System;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Culvert.Core.Dns;

namespace Culvert.Core.Mdns;

/// <summary>Names of services and their instances (RFC 6763 section 4): an instance is called as a person called it, in UTF-8, in front of its kind of service.</summary>
public static class ServiceName
{
    /// <summary>Culvert's gateways.</summary>
    public const string Gateways = "_culvert._tcp.local";

    /// <summary>All kinds of services that there are (RFC 6763 section 9).</summary>
    public const string Kinds = "_services._dns-sd._udp.local";

    /// <summary>The domain name of the instance <paramref name="label"/>, in the form of <see cref="DnsName"/> but for its case, which is kept.</summary>
    /// <exception cref="ArgumentException">The label is empty, or longer than <see cref="DnsName.MaxLabel"/> bytes of UTF-8.</exception>
    public static string Of(string label, string service)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(label);
        if (bytes.Length is 0 or > DnsName.MaxLabel)
        {
            throw new ArgumentException("A name has 1 to 63 bytes.", nameof(label));
        }

        StringBuilder text = new();
        foreach (byte each in bytes)
        {
            _ = each is > 0x20 and < 0x7F and not (byte)'.' and not (byte)'\\' ? text.Append((char)each) : text.Append(CultureInfo.InvariantCulture, $"\\{each:D3}");
        }

        return text.Append('.').Append(service).ToString();
    }

    /// <summary>What a person called the instance whose domain name is <paramref name="wire"/>; false when that is no text.</summary>
    public static bool TryReadLabel(ReadOnlySpan<byte> wire, out string label)
    {
        label = "";
        if (wire.IsEmpty || wire[0] is 0 or > DnsName.MaxLabel || wire.Length <= wire[0])
        {
            return false;
        }

        ReadOnlySpan<byte> bytes = wire.Slice(1, wire[0]);
        if (!Utf8.IsValid(bytes))
        {
            return false;
        }

        label = Encoding.UTF8.GetString(bytes);
        foreach (char each in label)
        {
            if (char.IsControl(each))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The name to try after a conflict: <c>name (2)</c>, <c>name (3)</c> (RFC 6763 appendix D), cut where it would be too long.</summary>
    public static string Next(string label, int number)
    {
        string suffix = $" ({number})";
        while (Encoding.UTF8.GetByteCount(label) + suffix.Length > DnsName.MaxLabel)
        {
            label = label[..^(char.IsLowSurrogate(label[^1]) ? 2 : 1)];
        }

        return label + suffix;
    }
}
