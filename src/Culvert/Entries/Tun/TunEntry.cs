using System;
using System.Linq;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;
using Culvert.Names;
using Culvert.Platform.Links;

namespace Culvert.Entries.Tun;

/// <summary>
/// The entry for packets: reads them from a link, has a stack make flows of them, and relays each flow to the exit. DNS
/// to any address is answered by the names policy, never sent on as it is. Each queue of the link has a thread and a stack of its own.
/// </summary>
public sealed class TunEntry : IAsyncDisposable
{
    private readonly LinkQueue[] _queues;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _started;

    /// <summary>An entry on <paramref name="link"/>, which it owns from now on.</summary>
    /// <param name="link">Where packets come from.</param>
    /// <param name="exit">Where flows leave.</param>
    /// <param name="names">Answers DNS, and turns fake addresses back into names.</param>
    /// <param name="options">Limits.</param>
    /// <param name="warn">Told, once a cause, when the exit refuses everything; a sentence for a person.</param>
    public TunEntry(ILink link, IExit exit, NameService names, TunOptions? options = null, Action<string>? warn = null)
    {
        ArgumentNullException.ThrowIfNull(link);
        options ??= new TunOptions();
        int count = 1 + link.MoreQueues.Count;
        TunOptions each = options with
        {
            Stack = options.Stack with { MaxTcpFlows = options.Stack.MaxTcpFlows / count, MaxOpening = Math.Max(1, options.Stack.MaxOpening / count) },
        };
        ExitTrouble trouble = new(warn);
        LinkQueue first = new(link, exit, names, each, trouble, null);
        _queues = [first, .. link.MoreQueues.Select(queue => new LinkQueue(queue, exit, names, each, trouble, first))];
    }

    /// <summary>
    /// Ends when the entry has been disposed of; faulted with a <see cref="CulvertException"/> when the link is gone, or with a bug of ours.
    /// </summary>
    public Task Completion => _completion.Task;

    /// <summary>Packets that the link could not take, and that were dropped for that.</summary>
    public long WriteDrops => _queues.Sum(static queue => queue.WriteDrops);

    /// <summary>TCP and UDP flows that have not unwound; read from any thread, it may be a moment old.</summary>
    internal int ActiveFlows => _queues.Sum(static queue => queue.ActiveFlows);

    /// <summary>Blocks of packets not given back; 0 once everything is over.</summary>
    internal int OutstandingBlocks => _queues.Sum(static queue => queue.OutstandingBlocks);

    /// <summary>Begins to carry traffic.</summary>
    public void Start()
    {
        _started = true;
        foreach (LinkQueue queue in _queues)
        {
            queue.Start();
        }

        _ = WatchAsync();
    }

    /// <summary>
    /// Resets all flows, and from now on all that comes, while the link stays: for the time in which the network is given back. Ends when the resets are on their way.
    /// </summary>
    public Task RefuseAsync() => _started ? Task.WhenAll(_queues.Select(static queue => queue.RefuseAsync())) : Task.CompletedTask;

    /// <summary>Resets all flows, ends the loops and closes the link.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (LinkQueue queue in _queues)
        {
            queue.Stop();
        }

        try
        {
            if (_started)
            {
                await Task.WhenAll(_queues.Select(static queue => queue.Completion)).ConfigureAwait(false);
            }
        }
        catch (CulvertException)
        {
            // Whoever awaits Completion was told.
        }
        finally
        {
            foreach (LinkQueue queue in _queues)
            {
                queue.Dispose();
            }
        }
    }

    // The first failure is the entry's; the other queues of the link go with it.
    private async Task WatchAsync()
    {
        try
        {
            await foreach (Task ended in Task.WhenEach(_queues.Select(static queue => queue.Completion)).ConfigureAwait(false))
            {
                await ended.ConfigureAwait(false);
            }

            _completion.TrySetResult();
        }
#pragma warning disable CA1031 // whatever ends a loop is told to whoever awaits Completion
        catch (Exception e)
#pragma warning restore CA1031
        {
            _completion.TrySetException(e);
        }
    }
}
