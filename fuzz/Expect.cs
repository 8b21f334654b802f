using System;

namespace Culvert.Fuzz;

/// <summary>Checks of a fuzz target.</summary>
internal static class Expect
{
    /// <summary>Fails the input unless <paramref name="holds"/>; <paramref name="rule"/> says what should.</summary>
    public static void That(bool holds, string rule)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"does not hold: {rule}");
        }
    }
}
