using System;
using Culvert.Flows;
using Culvert.Names;

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
            ExitScheme.Direct => new DirectExit(options.Answer is null ? options with { Answer = new SystemResolver().ResolveAsync } : options),
            ExitScheme.Socks5 => new Socks5Exit(uri, options),
            ExitScheme.Http => new HttpExit(uri, options),
            _ => throw new ArgumentOutOfRangeException(nameof(uri), uri.Scheme, null),
        };
    }
}
