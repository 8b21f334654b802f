using System;
using System.IO;
using Culvert.Cli.Profiles;
using Culvert.Exits;
using Culvert.Trust;

namespace Culvert.Cli.Commands;

/// <summary>Our identity and trust store, opened only where an exit or a command asks for them.</summary>
internal static class OwnKeys
{
    /// <summary>The trust store. <paramref name="say"/> is told when it becomes unreadable under way.</summary>
    public static TrustStore OpenStore(Action<string> say) => new(ConfigDirectory.Path, say);

    /// <summary>Our key, made where there is none.</summary>
    public static Identity LoadIdentity() => Identity.Load(ConfigDirectory.Path);

    /// <summary>The exit with what the trust store knows of it, and who we are to it; null for an exit that does not ask.</summary>
    public static (ExitUri Exit, Identity? Identity) Complete(ExitUri uri)
    {
        if (!uri.NeedsKeys)
        {
            return (uri, null);
        }

        using TrustStore? store = Directory.Exists(ConfigDirectory.Path) ? OpenStore(static _ => { }) : null; // not made for a word that means nothing
        return (uri.Known(store?.Peers ?? []), LoadIdentity());
    }
}
