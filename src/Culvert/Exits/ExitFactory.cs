using System;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Exits;

/// <summary>Makes the exit that an <see cref="ExitUri"/> names.</summary>
public static class ExitFactory
{
    /// <summary>Makes it; nothing is sent yet (see <see cref="IExit.ProbeAsync"/>).</summary>
    public static IExit Create(ExitUri uri, ExitOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(uri);
        options ??= ExitOptions.Default;
        return uri.Scheme switch
        {
            ExitScheme.Direct => new DirectExit(options),
            _ => throw new CulvertException(FailureKind.Usage, $"The exit {uri} is of a kind that is not in this version."),
        };
    }
}
