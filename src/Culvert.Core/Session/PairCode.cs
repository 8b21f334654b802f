using System;
using System.Text;

namespace Culvert.Core.Session;

/// <summary>
/// A one-time secret for typing: eight characters of 32 that cannot be taken for one another (Crockford's base 32), shown as <c>K7QM-2X94</c>. The secret itself is the ASCII of the
/// eight, in capitals.
/// </summary>
public static class PairCode
{
    /// <summary>Random bytes that one is made of.</summary>
    public const int RandomSize = 5;

    private const int Length = 8;
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    /// <summary>The code of <see cref="RandomSize"/> unpredictable bytes, as it is shown.</summary>
    public static string Make(ReadOnlySpan<byte> random)
    {
        ulong bits = 0;
        foreach (byte each in random[..RandomSize])
        {
            bits = (bits << 8) | each;
        }

        StringBuilder code = new();
        for (int i = Length - 1; i >= 0; i--)
        {
            code.Append(Alphabet[(int)(bits >> (5 * i)) & 31]);
            if (i == Length / 2)
            {
                code.Append('-');
            }
        }

        return code.ToString();
    }

    /// <summary>Reads what a person typed, whatever the case, with or without dashes and spaces, O for 0, I and L for 1; false where it is no code.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, out byte[] secret)
    {
        secret = new byte[Length];
        int length = 0;
        foreach (char each in text)
        {
            if (each is '-' or ' ')
            {
                continue;
            }

            char known = char.ToUpperInvariant(each) switch
            {
                'O' => '0',
                'I' or 'L' => '1',
                char other => other,
            };
            if (length == Length || !Alphabet.Contains(known, StringComparison.Ordinal))
            {
                return false;
            }

            secret[length++] = (byte)known;
        }

        return length == Length;
    }
}
