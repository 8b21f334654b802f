namespace Culvert.Cli.Doctor;

/// <summary>How bad a finding is.</summary>
internal enum Severity
{
    /// <summary>As it should be.</summary>
    Fine,

    /// <summary>Works, but something will be missing or surprising.</summary>
    Warning,

    /// <summary>Keeps Culvert, or a part of it, from working.</summary>
    Problem,
}

/// <summary>What the doctor found about one thing.</summary>
/// <param name="Severity">How bad it is.</param>
/// <param name="Subject">Which thing, in a word or two.</param>
/// <param name="What">What is so, in plain words.</param>
/// <param name="Fix">What to do; empty when there is nothing to do.</param>
internal sealed record Finding(Severity Severity, string Subject, string What, string Fix = "");
