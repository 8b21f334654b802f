using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Proxy;
using Culvert.Flows;
using Culvert.Flows.Socks;

namespace Culvert.Exits;

/// <summary>
/// A SOCKS5 proxy (RFC 1928, RFC 1929) as the exit. Names go to the proxy as names. UDP goes by UDP ASSOCIATE, or inside TCP where the proxy
/// offers only that (hev-socks5's command 5); where it offers neither, that is remembered, so that later datagrams are refused at once.
/// </summary>
internal sealed class Socks5Exit : IExit
{
    /// <summary>How long a refusal of UDP that may pass by itself (general failure, host unreachable) is remembered.</summary>
    public static readonly TimeSpan RefusalMemory = TimeSpan.FromSeconds(30);

    private readonly ProxyDialer _dialer;
    private readonly ExitOptions _options;
    private readonly ExitUri _uri;
    private readonly SpareConnections _spares;
    private volatile DatagramMode _mode;
    private long _refusedUntil; // in milliseconds of TickCount64; meaningful in DatagramMode.Refused

    /// <summary>An exit through the proxy that <paramref name="uri"/> names.</summary>
    public Socks5Exit(ExitUri uri, ExitOptions options)
    {
        _uri = uri;
        _options = options;
        _dialer = new ProxyDialer(uri, options);
        _spares = new SpareConnections(OpenAsync, options.MaxSpares, options.Clock);
    }

    private enum DatagramMode
    {
        Unknown,
        Udp,
        InTcp,
        Refused,
    }

    /// <inheritdoc/>
    public string Description => _dialer.Shown;

    /// <summary>UDP until the proxy has refused it.</summary>
    public ExitCapabilities Capabilities => IsRefused ? ExitCapabilities.None : ExitCapabilities.Datagrams;

    private bool IsRefused => _mode == DatagramMode.Refused && Environment.TickCount64 < Volatile.Read(ref _refusedUntil);

    /// <inheritdoc/>
    public async ValueTask ProbeAsync(CancellationToken cancellation)
    {
        if (IsRefused)
        {
            // What is remembered says nothing about now; any answer does.
            Answer answer = await RequestAsync(SocksCommand.Associate, SocksAddress.Unspecified, "The UDP association", SocketDialer.Instance, cancellation).ConfigureAwait(false);
            if (answer.Connection is { } control)
            {
                await control.DisposeAsync().ConfigureAwait(false);
                _mode = DatagramMode.Unknown;
            }

            return;
        }

        try
        {
            await using IAssociation association = await AssociateAsync(cancellation).ConfigureAwait(false);
        }
        catch (CulvertException e) when (e.Kind == FailureKind.NotCarried && IsRefused)
        {
            // An answer too: TCP only.
        }
    }

    /// <inheritdoc/>
    public ValueTask<IConnection> ConnectAsync(Destination destination, CancellationToken cancellation) =>
        ConnectAsync(destination, SocketDialer.Instance, cancellation);

    /// <inheritdoc/>
    public async ValueTask<IConnection> ConnectAsync(Destination destination, IDialer dialer, CancellationToken cancellation)
    {
        Answer answer = await RequestAsync(SocksCommand.Connect, destination.ToSocks(), $"The connection to {destination}", dialer, cancellation);
        return answer.Connection?.Unwrap() ?? throw new CulvertException(
            SocksReplies.ToFailure(answer.Reply),
            $"The connection to {destination} failed: {Description} says {SocksReplies.Describe(answer.Reply)}.");
    }

    /// <inheritdoc/>
    public async ValueTask<IAssociation> AssociateAsync(CancellationToken cancellation)
    {
        if (IsRefused)
        {
            throw NoDatagrams();
        }

        const string what = "The UDP association";
        SocksReply first = SocksReply.CommandNotSupported;
        if (_mode != DatagramMode.InTcp && _dialer.Via.Capabilities.HasFlag(ExitCapabilities.Datagrams))
        {
            Answer answer = await RequestAsync(SocksCommand.Associate, SocksAddress.Unspecified, what, SocketDialer.Instance, cancellation).ConfigureAwait(false);
            if (answer.Connection is { } control)
            {
                _mode = DatagramMode.Udp;
                return await OpenUdpAsync(control, answer.Bound, cancellation).ConfigureAwait(false);
            }

            first = answer.Reply;
        }

        SocksReply second = first;
        if (_mode != DatagramMode.Udp)
        {
            Answer answer = await RequestAsync(SocksCommand.AssociateInTcp, SocksAddress.Unspecified, what, SocketDialer.Instance, cancellation).ConfigureAwait(false);
            if (answer.Connection is { } connection)
            {
                _mode = DatagramMode.InTcp;
                return new SocksTcpAssociation(connection);
            }

            second = answer.Reply;
        }

        bool forGood = IsForGood(first) && IsForGood(second);
        Volatile.Write(ref _refusedUntil, forGood ? long.MaxValue : Environment.TickCount64 + (long)RefusalMemory.TotalMilliseconds);
        _mode = DatagramMode.Refused;
        throw NoDatagrams();
    }

    /// <summary>SOCKS knows no ping.</summary>
    public ValueTask<ReadOnlyMemory<byte>> EchoAsync(Destination destination, ReadOnlyMemory<byte> payload, CancellationToken cancellation) =>
        ValueTask.FromException<ReadOnlyMemory<byte>>(new CulvertException(FailureKind.NotCarried, $"{Description} carries no ping."));

    /// <summary>SOCKS knows no raw DNS messages.</summary>
    public ValueTask<ReadOnlyMemory<byte>> ResolveAsync(ReadOnlyMemory<byte> query, CancellationToken cancellation) =>
        ValueTask.FromException<ReadOnlyMemory<byte>>(new CulvertException(FailureKind.NotCarried, $"{Description} answers no raw DNS messages."));

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _spares.Dispose();
        return _dialer.DisposeAsync();
    }

    private static bool IsForGood(SocksReply reply) => reply is SocksReply.CommandNotSupported or SocksReply.NotAllowed or SocksReply.AddressTypeNotSupported;

    private CulvertException NoDatagrams() => new(FailureKind.NotCarried, $"{Description} does not carry UDP.");

    private async ValueTask<IAssociation> OpenUdpAsync(BufferedConnection control, SocksAddress bound, CancellationToken cancellation)
    {
        try
        {
            IAssociation inner = await _dialer.Via.AssociateAsync(cancellation).ConfigureAwait(false);
            return new SocksUdpAssociation(control, inner, RelayEndpoint(control, bound));
        }
        catch
        {
            await control.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // A server bound to all its addresses says so by an unspecified one: then it is the one we reached it at.
    private Destination RelayEndpoint(BufferedConnection control, SocksAddress bound)
    {
        if (bound.Address is not { } address || !(address.Equals(System.Net.IPAddress.Any) || address.Equals(System.Net.IPAddress.IPv6Any)))
        {
            return bound.ToDestination();
        }

        return (control.Inner as SocketConnection)?.RemoteEndPoint is System.Net.IPEndPoint reached
            ? new Destination(reached.Address, bound.Port)
            : new Destination(_dialer.Proxy.Host, bound.Port);
    }

    // Everything from dialling to the reply. The connection is null when the proxy refused.
    private async ValueTask<Answer> RequestAsync(SocksCommand command, SocksAddress address, string what, IDialer dialer, CancellationToken cancellation)
    {
        byte[] message = new byte[Socks5.MaxMessage];
        if (!Socks5.TryWriteRequest(message, command, address, out int length))
        {
            throw new CulvertException(FailureKind.NameNotFound, $"{what} failed: its name is too long for SOCKS5.");
        }

        ValueTask<(SocksReply Reply, SocksAddress Bound)> AskAsync(BufferedConnection connection, CancellationToken token) => Deadline.RunAsync(
            _options.ConnectTimeout, what, limited => new SocksDialogue(connection, _dialer).AskAsync(message.AsMemory(0, length), limited), token);

        (BufferedConnection connection, (SocksReply reply, SocksAddress bound)) = command == SocksCommand.Connect
            ? await _spares.AskAsync(dialer, AskAsync, cancellation)
            : await _spares.AskFreshAsync(dialer, AskAsync, cancellation);
        if (reply == SocksReply.Succeeded)
        {
            return new Answer(connection, reply, bound);
        }

        await connection.DisposeAsync();
        return new Answer(null, reply, bound);
    }

    // A connection that is ready for a request.
    private async ValueTask<BufferedConnection> OpenAsync(IDialer dialer, CancellationToken cancellation)
    {
        BufferedConnection connection = await _dialer.DialAsync(dialer, cancellation);
        try
        {
            await Deadline.RunAsync(
                _options.HandshakeTimeout,
                $"The handshake with {Description}",
                token => new SocksDialogue(connection, _dialer).GreetAsync(_uri.UserName, _uri.Password, token),
                cancellation,
                FailureKind.ExitUnreachable);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private readonly record struct Answer(BufferedConnection? Connection, SocksReply Reply, SocksAddress Bound);
}
