using System.Net;
using Culvert.Trust;

namespace Culvert.Pairing;

/// <summary>A device that knows the secret and would like to be trusted.</summary>
/// <param name="Device">What it calls itself; nothing that a terminal would mind is in it.</param>
/// <param name="Key">Its key, which it has proved to have.</param>
/// <param name="From">Where it is; null where there are no addresses.</param>
/// <param name="Digits">What must stand on its screen too.</param>
public sealed record PairingRequest(string Device, KeyHash Key, IPAddress? From, string Digits)
{
    /// <summary>The digits as people read them: in two groups.</summary>
    public static string Spaced(string digits) => $"{digits[..3]} {digits[3..]}";
}
