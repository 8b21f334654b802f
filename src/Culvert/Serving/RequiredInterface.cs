using System;
using System.Linq;
using System.Net;
using System.Net.NetworkInformation;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;
using Culvert.Names;
using Culvert.Platform.Network;

namespace Culvert.Serving;

/// <summary>
/// The one interface that everything of a gateway has to leave by, names included: sockets are bound to it, so that while it is away or down nothing leaves at all. What is refused for that is
/// <see cref="FailureKind.NetworkUnreachable"/> to the device; the gateway's owner is told once, and when it is back.
/// </summary>
internal sealed class RequiredInterface : IDisposable
{
    private readonly string _name;
    private readonly Action<string> _say;
    private readonly SystemResolver _resolver;
    private readonly NetworkMonitor _monitor;
    private readonly Lock _lock = new();
    private bool? _wasUp;

    /// <summary>Begins to follow the interface <paramref name="name"/>, which need not be there yet.</summary>
    public RequiredInterface(string name, Action<string> say)
    {
        _name = name;
        _say = say;
        Outgoing = new OutgoingInterface(name, priority: 0);
        _resolver = new SystemResolver(new ResolverFile(ResolverFile.DefaultPath).Servers, outgoing: Outgoing);
        _monitor = new NetworkMonitor(Follow);
        Follow();
    }

    /// <summary>What sockets are bound to.</summary>
    public OutgoingInterface Outgoing { get; }

    private bool IsUp => NetworkInterface.GetAllNetworkInterfaces().Any(each => each.Name == _name && each.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown);

    /// <summary>The addresses of a name, asked by this interface. A resolver on this machine is asked only while the interface is up, since it would go on by another way.</summary>
    public async Task<IPAddress[]> LookupAsync(string host, CancellationToken cancellation)
    {
        Require();
        return await _resolver.LookupAsync(host, cancellation).ConfigureAwait(false);
    }

    /// <summary>Answers a DNS query in the same way.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ResolveAsync(ReadOnlyMemory<byte> query, CancellationToken cancellation)
    {
        Require();
        return await _resolver.ResolveAsync(query, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => _monitor.Dispose();

    private void Require()
    {
        if (!IsUp)
        {
            throw new CulvertException(FailureKind.NetworkUnreachable, $"The interface {_name}, which everything has to leave by, is away or down.");
        }
    }

    private void Follow()
    {
        bool isUp = IsUp;
        lock (_lock)
        {
            if (_wasUp != isUp && (_wasUp is not null || !isUp))
            {
                _say(isUp ? $"The interface {_name} is back; devices reach the network again." : $"The interface {_name} is away or down: nothing that devices ask for leaves until it is back.");
            }

            _wasUp = isUp;
        }
    }
}
