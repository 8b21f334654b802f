using System;
using System.Collections.Generic;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Dns;
using Culvert.Core.Packets;
using Culvert.Exits;
using Culvert.Flows;

namespace Culvert.Gateway;

/// <summary>
/// An exit as a device of a gateway sees it: everything it asks for passes the <see cref="Policy"/> first. Names are resolved here, and the exit behind is given the addresses
/// that were checked, never a name. The exit behind stays its maker's.
/// </summary>
internal sealed class PolicyExit : IExit
{
    private readonly IExit _exit;
    private readonly PolicyLookup _lookup;

    /// <summary>Stands before <paramref name="exit"/>.</summary>
    /// <param name="exit">Where what is allowed leaves.</param>
    /// <param name="policy">The policy as it is now; asked for each connection, datagram, ping and query.</param>
    /// <param name="options">How names are looked up, and how long that may take.</param>
    public PolicyExit(IExit exit, Func<Policy> policy, ExitOptions options)
    {
        _exit = exit;
        _lookup = new PolicyLookup(policy, options.Lookup, options.ConnectTimeout);
    }

    /// <inheritdoc/>
    public string Description => _exit.Description;

    /// <summary>What the exit behind carries, but no Unix sockets: those are the gateway's own.</summary>
    public ExitCapabilities Capabilities => _exit.Capabilities & ~ExitCapabilities.UnixSockets;

    /// <inheritdoc/>
    public ValueTask ProbeAsync(CancellationToken cancellation) => _exit.ProbeAsync(cancellation);

    /// <inheritdoc/>
    public ValueTask<IConnection> ConnectAsync(Destination destination, CancellationToken cancellation) =>
        ConnectAsync(destination, SocketDialer.Instance, cancellation);

    /// <inheritdoc/>
    public async ValueTask<IConnection> ConnectAsync(Destination destination, IDialer dialer, CancellationToken cancellation)
    {
        IReadOnlyList<IPAddress> addresses = await _lookup.FindAsync(destination, PolicyProtocol.Tcp, cancellation);
        return await HappyEyeballs.ConnectAsync(
            HappyEyeballs.Interleave(addresses), destination.Port, new ExitDialer(_exit, dialer), null, $"The connection to {destination}", cancellation);
    }

    /// <summary>Refused: the gateway's own sockets are no destination.</summary>
    public ValueTask<IConnection> ConnectUnixAsync(string path, CancellationToken cancellation) => ValueTask.FromException<IConnection>(
        new CulvertException(FailureKind.Prohibited, "A gateway's Unix sockets are not for its devices."));

    /// <inheritdoc/>
    public async ValueTask<IAssociation> AssociateAsync(CancellationToken cancellation) =>
        new PolicyAssociation(await _exit.AssociateAsync(cancellation).ConfigureAwait(false), _lookup);

    /// <inheritdoc/>
    public async ValueTask<ReadOnlyMemory<byte>> EchoAsync(Destination destination, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        IReadOnlyList<IPAddress> addresses = await _lookup.FindAsync(destination, PolicyProtocol.Ping, cancellation).ConfigureAwait(false);
        return await _exit.EchoAsync(new Destination(addresses[0], destination.Port), payload, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// As the exit behind answers, but REFUSED (RFC 1035 section 4.1.1) where none of the addresses in the answer may be reached at any port: the names of
    /// the gateway's own network are not told.
    /// </summary>
    public async ValueTask<ReadOnlyMemory<byte>> ResolveAsync(ReadOnlyMemory<byte> query, CancellationToken cancellation)
    {
        ReadOnlyMemory<byte> answer = await _exit.ResolveAsync(query, cancellation).ConfigureAwait(false);
        return DnsQuestion.TryParse(query.Span, out DnsQuestion question) && IsClosed(question.Name, answer.Span)
            ? DnsResponse.Write(query.Span, question, DnsRcode.Refused)
            : answer;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private bool IsClosed(string name, ReadOnlySpan<byte> answer)
    {
        IReadOnlyList<(IPAddress Address, uint Ttl)> found = DnsAnswers.Addresses(answer);
        Policy policy = _lookup.Policy;
        foreach ((IPAddress address, _) in found)
        {
            if (policy.WhyNot(name, IpAddr.From(address), 0, PolicyProtocol.Any) is null)
            {
                return false;
            }
        }

        return found.Count > 0;
    }
}
