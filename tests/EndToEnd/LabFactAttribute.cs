using System;
using System.Linq;
using Culvert.Tests.Lab;
using Xunit;

namespace Culvert.Tests.EndToEnd;

/// <summary>A test in the lab: skipped, and said why, without root or without a tool it needs.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LabFactAttribute : FactAttribute
{
    /// <summary>A test that needs <paramref name="tools"/> besides what every test needs.</summary>
    public LabFactAttribute(params string[] tools) => Skip = WhyNot(tools);

    /// <summary>Why tests of the lab cannot run here; null when they can.</summary>
    internal static string? WhyNot(string[] tools)
    {
        if (!LabNetwork.Possible)
        {
            return "Needs root: the lab is made of network namespaces.";
        }

        string[] missing = [.. tools.Concat(["ip", "nft", "bash", "curl"]).Where(static tool => !Tools.Has(tool))];
        return missing.Length == 0 ? null : $"Needs {string.Join(", ", missing)} (./test installs what is missing when it is root).";
    }
}

/// <summary>A <see cref="LabFactAttribute"/> with data.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LabTheoryAttribute : TheoryAttribute
{
    /// <summary>A test that needs <paramref name="tools"/> besides what every test needs.</summary>
    public LabTheoryAttribute(params string[] tools) => Skip = LabFactAttribute.WhyNot(tools);
}
