using System;
using System.CommandLine;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Trust;

namespace Culvert.Cli.Commands;

/// <summary>The exit that the command line names, and the one it is dialled through.</summary>
internal sealed class ChosenExit : IAsyncDisposable
{
    private readonly IExit? _via;
    private readonly Identity? _identity;

    private ChosenExit(IExit exit, IExit? via, Identity? identity)
    {
        Exit = exit;
        _via = via;
        _identity = identity;
    }

    public IExit Exit { get; }

    public static ChosenExit From(ParseResult parsed)
    {
        (ExitUri uri, Identity? identity) = OwnKeys.Complete(ExitUri.Parse(parsed.GetValue(CommonOptions.Exit) ?? "direct:"));
        ExitUri? viaUri = parsed.GetValue(CommonOptions.Via) is string text ? ExitUri.Parse(text) : null;
        RequireProxy(uri, viaUri);
        IExit? via = viaUri is null ? null : ExitFactory.Create(viaUri, ExitOptions.Default with { MaxSpares = 0 }); // the connections through it are spare
        return new ChosenExit(ExitFactory.Create(uri, ExitOptions.Default with { Via = via, Identity = identity }), via, identity);
    }

    /// <summary>Fails when something is to be reached through <paramref name="via"/> that is not reached over the network, or <paramref name="via"/> is no proxy.</summary>
    public static void RequireProxy(ExitUri uri, ExitUri? via)
    {
        if (via is { Scheme: not (ExitScheme.Direct or ExitScheme.Socks5 or ExitScheme.Http) })
        {
            throw new CulvertException(FailureKind.Usage, $"--via takes a proxy, socks5://… or http://…; '{via}' is none.");
        }

        if (via is not null && uri.Scheme == ExitScheme.Unix)
        {
            throw new CulvertException(FailureKind.Usage, $"--via is the way to another machine, and {uri} is on this one.");
        }

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

        _identity?.Dispose();
    }
}
