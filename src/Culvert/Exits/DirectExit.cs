using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Exits;

/// <summary>The exit that needs no server: this machine's own sockets and resolver.</summary>
internal sealed class DirectExit : IExit
{
    private readonly ExitOptions _options;
    private readonly IcmpPinger _pinger;

    /// <summary>An exit with these options; <see cref="ExitOptions.Via"/> means nothing to it.</summary>
    public DirectExit(ExitOptions options)
    {
        _options = options;
        _pinger = new IcmpPinger(options.MaxEchoes, options.EchoTimeout, options.Outgoing);
        Capabilities = ExitCapabilities.Datagrams | ExitCapabilities.UnixSockets
            | (_pinger.Works ? ExitCapabilities.Echo : 0)
            | (options.Answer is not null ? ExitCapabilities.Resolve : 0);
    }

    /// <inheritdoc/>
    public string Description => "direct:";

    /// <inheritdoc/>
    public ExitCapabilities Capabilities { get; }

    /// <summary>There is nothing to ask.</summary>
    public ValueTask ProbeAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public ValueTask<IConnection> ConnectAsync(Destination destination, CancellationToken cancellation) =>
        ConnectAsync(destination, SocketDialer.Instance, cancellation);

    /// <inheritdoc/>
    public ValueTask<IConnection> ConnectAsync(Destination destination, IDialer dialer, CancellationToken cancellation)
    {
        string what = $"The connection to {destination}";
        return Deadline.RunAsync(
            _options.ConnectTimeout,
            what,
            async token =>
            {
                IReadOnlyList<IPAddress> addresses = destination.Address is { } address
                    ? [address]
                    : HappyEyeballs.Interleave(await LookUpAsync(destination.Host, token));
                return await HappyEyeballs.ConnectAsync(addresses, destination.Port, dialer, _options.Outgoing, what, token);
            },
            cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask<IConnection> ConnectUnixAsync(string path, CancellationToken cancellation)
    {
        string what = $"The connection to {path}";
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation).ConfigureAwait(false);
            return new SocketConnection(socket, what);
        }
        catch (Exception e)
        {
            socket.Dispose();
            if (e is SocketException error)
            {
                throw SocketFailures.ToFailure(error, what);
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<IAssociation> AssociateAsync(CancellationToken cancellation)
    {
        try
        {
            return new ValueTask<IAssociation>(new DirectAssociation(LookUpAsync, _options.Outgoing));
        }
        catch (SocketException e)
        {
            return ValueTask.FromException<IAssociation>(SocketFailures.ToFailure(e, "Opening a UDP socket"));
        }
        catch (CulvertException e)
        {
            return ValueTask.FromException<IAssociation>(e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ReadOnlyMemory<byte>> EchoAsync(Destination destination, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        IPAddress address = destination.Address ?? (await LookUpAsync(destination.Host, cancellation).ConfigureAwait(false))[0];
        return await _pinger.EchoAsync(address, payload, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<ReadOnlyMemory<byte>> ResolveAsync(ReadOnlyMemory<byte> query, CancellationToken cancellation) => _options.Answer is { } answer
        ? answer(query, cancellation)
        : ValueTask.FromException<ReadOnlyMemory<byte>>(new CulvertException(FailureKind.NotCarried, "This exit answers no raw DNS messages."));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<IPAddress[]> LookUpAsync(string host, CancellationToken cancellation)
    {
        try
        {
            IPAddress[] addresses = await _options.Lookup(host, cancellation).ConfigureAwait(false);
            return addresses.Length > 0 ? addresses : throw new CulvertException(FailureKind.NameNotFound, $"The name {host} has no address.");
        }
        catch (SocketException e)
        {
            // EAI_NODATA, EAI_AGAIN and the rest of getaddrinfo's family: to whoever asked, the name did not resolve.
            throw new CulvertException(FailureKind.NameNotFound, $"The name {host} could not be resolved.", e);
        }
        catch (ArgumentException e)
        {
            throw new CulvertException(FailureKind.NameNotFound, $"'{host}' cannot be a host's name.", e);
        }
    }
}
