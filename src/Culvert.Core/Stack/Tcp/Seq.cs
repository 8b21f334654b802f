namespace Culvert.Core.Stack.Tcp;

/// <summary>Arithmetic on sequence numbers, modulo 2^32 (RFC 9293 section 3.4): right as long as the two are less than 2^31 apart.</summary>
internal static class Seq
{
    public static bool Less(uint a, uint b) => (int)(a - b) < 0;

    public static bool LessOrEqual(uint a, uint b) => (int)(a - b) <= 0;

    public static bool Greater(uint a, uint b) => (int)(a - b) > 0;

    public static bool GreaterOrEqual(uint a, uint b) => (int)(a - b) >= 0;

    public static uint Max(uint a, uint b) => Less(a, b) ? b : a;

    public static uint Min(uint a, uint b) => Less(a, b) ? a : b;

    /// <summary>Bytes from <paramref name="from"/> to <paramref name="to"/>; negative when it lies before.</summary>
    public static int Distance(uint from, uint to) => (int)(to - from);
}
