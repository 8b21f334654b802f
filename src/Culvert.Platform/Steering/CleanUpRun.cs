using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Platform.Linux;
using Culvert.Platform.Undo;

namespace Culvert.Platform.Steering;

/// <summary>Has a helper give back what dead ones left, kill switches included.</summary>
public static class CleanUpRun
{
    /// <summary>Whether there may be something to do: a tunnel is up, or one has died.</summary>
    public static bool HasWork => JournalDirectory.HasJournals(JournalDirectory.Standard);

    /// <summary>
    /// Does it; what is done (or, with <paramref name="dryRun"/>, would be done) goes to standard output. Returns the helper's exit code: 0 when nothing is left.
    /// </summary>
    /// <exception cref="CulvertException">Privilege or Configuration.</exception>
    public static async Task<int> RunAsync(TunnelHelperOptions options, bool dryRun)
    {
        int code = await HelperStart.RunAsync(options, dryRun ? [Cleanup.Verb, Cleanup.DryRunArgument] : [Cleanup.Verb]).ConfigureAwait(false);
        return TunnelRequest.IsOwn(code) ? code : throw HelperStart.Explain(code);
    }
}
