using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core.Dns;

namespace Culvert.Names;

/// <summary>
/// Domains that are reached outside the tunnel: their names are asked of the machine's own resolver, and whoever keeps the way outside is told of the addresses
/// before the answer is given. Remembered for as long as the answer says, but at least <see cref="LeastTime"/>.
/// </summary>
public sealed class ExcludedNames : INameSource
{
    /// <summary>Addresses remembered at a time; beyond, those that end first go.</summary>
    public const int MaxAddresses = 512;

    /// <summary>How long an address is remembered at least: connections outlive short answers.</summary>
    public static readonly TimeSpan LeastTime = TimeSpan.FromMinutes(30);

    private readonly IReadOnlyList<string> _domains;
    private readonly Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask<ReadOnlyMemory<byte>>> _resolve;
    private readonly Func<CancellationToken, Task> _changed;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, DateTimeOffset> _addresses = [];

    /// <summary>Excludes <paramref name="domains"/> and all names below them.</summary>
    /// <param name="domains">Names without a dot at the end.</param>
    /// <param name="resolve">Has a raw query answered outside the tunnel.</param>
    /// <param name="changed">Called with <see cref="Addresses"/> changed; the answer waits for it.</param>
    /// <param name="time">The clock.</param>
    public ExcludedNames(
        IReadOnlyList<string> domains,
        Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask<ReadOnlyMemory<byte>>> resolve,
        Func<CancellationToken, Task> changed,
        TimeProvider? time = null)
    {
        _domains = [.. domains.Select(static d => d.Trim('.').ToLowerInvariant())];
        _resolve = resolve;
        _changed = changed;
        _time = time ?? TimeProvider.System;
    }

    /// <summary>The addresses remembered now.</summary>
    public IReadOnlyList<IPAddress> Addresses
    {
        get
        {
            lock (_lock)
            {
                return [.. _addresses.Keys];
            }
        }
    }

    /// <summary>Whether <paramref name="name"/> (as <see cref="DnsName"/> writes it) is one of them, or below one.</summary>
    public bool Hold(string name) => _domains.Any(domain =>
        name.EndsWith(domain, StringComparison.Ordinal) && (name.Length == domain.Length || name[^(domain.Length + 1)] == '.'));

    /// <inheritdoc/>
    async ValueTask<ReadOnlyMemory<byte>> INameSource.AskAsync(ReadOnlyMemory<byte> query, bool overTcp, CancellationToken cancellation)
    {
        ReadOnlyMemory<byte> answer = await _resolve(query, cancellation).ConfigureAwait(false);
        if (Remember(DnsAnswers.Addresses(answer.Span)))
        {
            await _changed(cancellation).ConfigureAwait(false);
        }

        return answer;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>True when there is an address that was not there before.</summary>
    private bool Remember(IReadOnlyList<(IPAddress Address, uint Ttl)> found)
    {
        lock (_lock)
        {
            DateTimeOffset now = _time.GetUtcNow();
            bool isNew = false;
            foreach ((IPAddress address, uint ttl) in found)
            {
                isNew |= !_addresses.ContainsKey(address);
                _addresses[address] = now + TimeSpan.FromSeconds(Math.Max(ttl, LeastTime.TotalSeconds));
            }

            if (isNew)
            {
                foreach (IPAddress old in _addresses.Where(entry => entry.Value < now).Select(static entry => entry.Key).ToArray())
                {
                    _addresses.Remove(old);
                }

                while (_addresses.Count > MaxAddresses)
                {
                    _addresses.Remove(_addresses.MinBy(static entry => entry.Value).Key);
                }
            }

            return isNew;
        }
    }
}
