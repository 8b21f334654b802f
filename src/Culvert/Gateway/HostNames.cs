using System;
using System.Buffers;

namespace Culvert.Gateway;

/// <summary>What may be a host's name where rules are applied to it.</summary>
internal static class HostNames
{
    /// <summary>Most characters of a name without its last dot (RFC 1035 section 2.3.4).</summary>
    public const int MaxLength = 253;

    private const int MaxLabel = 63;

    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

    /// <summary>
    /// Whether <paramref name="name"/> is letters, digits, hyphens and underscores between dots. Names in other scripts come in their xn-- form (RFC 5890); anything else is
    /// a way to look like a name that a rule speaks of, or like none.
    /// </summary>
    public static bool IsValid(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty || name.Length > MaxLength || name.ContainsAnyExcept(Allowed))
        {
            return false;
        }

        foreach (Range label in name.Split('.'))
        {
            if (name[label].Length is 0 or > MaxLabel)
            {
                return false;
            }
        }

        return true;
    }
}
