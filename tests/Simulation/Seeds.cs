using System;
using System.Globalization;
using Xunit;

namespace Culvert.Tests.Simulation;

/// <summary>The seeds of a theory; the variable SIM_SEED replaces them all by one, to replay a failure.</summary>
internal static class Seeds
{
    public static TheoryData<ulong> First(int count)
    {
        TheoryData<ulong> seeds = [];
        if (ulong.TryParse(Environment.GetEnvironmentVariable("SIM_SEED"), CultureInfo.InvariantCulture, out ulong one))
        {
            seeds.Add(one);
            return seeds;
        }

        for (int i = 1; i <= count; i++)
        {
            seeds.Add((ulong)i);
        }

        return seeds;
    }
}
