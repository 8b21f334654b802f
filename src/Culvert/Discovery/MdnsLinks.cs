using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core.Mdns;
using Culvert.Platform.Network;

namespace Culvert.Discovery;

/// <summary>A party on each link of this machine, as interfaces come, change and go.</summary>
/// <typeparam name="T">What speaks there.</typeparam>
internal sealed class MdnsLinks<T> : IAsyncDisposable
    where T : class, IMdnsParty
{
    private readonly Func<MdnsInterface, T> _make;
    private readonly Action<T, MdnsInterface, long> _changed;
    private readonly Action<string> _say;
    private readonly List<(MdnsInterface Interface, T Party, MdnsLink Link)> _links = [];
    private readonly Lock _lock = new();
    private readonly NetworkMonitor _monitor;
    private readonly List<Task> _ends = [];
    private bool _disposed;

    /// <summary>Begins on all links that there are.</summary>
    /// <param name="make">Makes the party of a link.</param>
    /// <param name="changed">Tells a party that its interface has other addresses.</param>
    /// <param name="say">Told where it cannot be spoken.</param>
    public MdnsLinks(Func<MdnsInterface, T> make, Action<T, MdnsInterface, long> changed, Action<string> say)
    {
        _make = make;
        _changed = changed;
        _say = say;
        _monitor = new NetworkMonitor(Follow);
        Follow();
    }

    /// <summary>Asks each party something.</summary>
    public IReadOnlyList<TResult> Ask<TResult>(Func<T, TResult> question)
    {
        lock (_lock)
        {
            List<TResult> answers = [];
            foreach ((_, T party, MdnsLink link) in _links)
            {
                link.With((_, _) => answers.Add(question(party)));
            }

            return answers;
        }
    }

    /// <summary>Says good-bye everywhere, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _monitor.Dispose();
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            _ends.AddRange(_links.Select(static l => l.Link.DisposeAsync().AsTask()));
            _links.Clear();
        }

        await Task.WhenAll(_ends).ConfigureAwait(false);
    }

    private void Follow()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            IReadOnlyList<MdnsInterface> now = MdnsInterface.Find();
            _ends.RemoveAll(static e => e.IsCompleted);
            _ends.AddRange(_links.Where(l => !now.Any(l.Interface.IsLike)).Select(static l => l.Link.DisposeAsync().AsTask()));
            _links.RemoveAll(l => !now.Any(l.Interface.IsLike));
            foreach (MdnsInterface each in now)
            {
                int index = _links.FindIndex(l => l.Interface.IsLike(each));
                if (index < 0)
                {
                    T made = _make(each);
                    _links.Add((each, made, new MdnsLink(each.Name, each.Index, each.HasV4, each.HasV6, made, _say)));
                    continue;
                }

                (MdnsInterface old, T party, MdnsLink link) = _links[index];
                if (!old.Addresses.SequenceEqual(each.Addresses))
                {
                    _links[index] = (each, party, link);
                    link.With((_, time) => _changed(party, each, time));
                }
            }
        }
    }
}
