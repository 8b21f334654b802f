using System;
using System.CommandLine;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Exits;
using Culvert.Flows;

namespace Culvert.Cli.Commands;

/// <summary>The exit that the command line names, and the one it is dialled through.</summary>
internal sealed class ChosenExit : IAsyncDisposable
{
    private readonly IExit? _via;

    private ChosenExit(IExit exit, IExit? via)
    {
        Exit = exit;
        _via = via;
    }

    public IExit Exit { get; }

    public static ChosenExit From(ParseResult parsed)
    {
        ExitUri uri = ExitUri.Parse(parsed.GetValue(CommonOptions.Exit) ?? "direct:");
        ExitUri? viaUri = parsed.GetValue(CommonOptions.Via) is string text ? ExitUri.Parse(text) : null;
        RequireProxy(uri, viaUri);
        IExit? via = viaUri is null ? null : ExitFactory.Create(viaUri, ExitOptions.Default with { MaxSpares = 0 }); // the connections through it are spare
        return new ChosenExit(ExitFactory.Create(uri, ExitOptions.Default with { Via = via }), via);
    }

    /// <summary>Fails when something is to be reached through <paramref name="via"/> that is no proxy.</summary>
    public static void RequireProxy(ExitUri uri, ExitUri? via)
    {
        if (via is not null && uri.Scheme == ExitScheme.Direct)
        {
            throw new CulvertException(
                FailureKind.Usage, $"--via is the way to a proxy, and direct: is none. To leave through {via} itself, write that as the EXIT.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Exit.DisposeAsync();
        if (_via is not null)
        {
            await _via.DisposeAsync();
        }
    }
}
