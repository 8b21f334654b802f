using System;
using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Proxy;
using Culvert.Flows;
using Culvert.Flows.Socks;

namespace Culvert.Entries;

/// <summary>The server's part of SOCKS5 on one connection (RFC 1928, RFC 1929).</summary>
internal sealed class SocksServer
{
    private readonly SocketConnection _socket;
    private readonly BufferedConnection _client;
    private readonly IExit _exit;
    private readonly ProxyEntryOptions _options;
    private readonly byte[] _answer = new byte[Socks5.MaxMessage];
    private bool _succeeded;

    /// <summary>A client whose first byte has arrived; the connection stays the caller's.</summary>
    public SocksServer(SocketConnection socket, BufferedConnection client, IExit exit, ProxyEntryOptions options)
    {
        _socket = socket;
        _client = client;
        _exit = exit;
        _options = options;
    }

    /// <summary>Serves the client to its end.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        (SocksCommand Command, SocksAddress Address)? request;
        using (CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation))
        {
            limit.CancelAfter(_options.Limits.HandshakeTimeout);
            request = await HandshakeAsync(limit.Token).ConfigureAwait(false);
        }

        if (request is not { } asked)
        {
            await Farewell.CloseAsync(_client, cancellation).ConfigureAwait(false);
            return;
        }

        try
        {
            await CarryOutAsync(asked.Command, asked.Address.ToDestination(), cancellation).ConfigureAwait(false);
        }
        catch (CulvertException e) when (!_succeeded)
        {
            await ReplyAsync(SocksReplies.From(e.Kind), SocksAddress.Unspecified, cancellation).ConfigureAwait(false);
            await Farewell.CloseAsync(_client, cancellation).ConfigureAwait(false);
        }
    }

    private async Task CarryOutAsync(SocksCommand command, Destination destination, CancellationToken cancellation)
    {
        switch (command)
        {
            case SocksCommand.Connect:
                IConnection far = await _exit.ConnectAsync(destination, cancellation).ConfigureAwait(false);
                await using (far.ConfigureAwait(false))
                {
                    // What the exit is bound to is nobody's business here.
                    await SucceedAsync(SocksAddress.Unspecified, cancellation).ConfigureAwait(false);
                    await Relay.RunAsync(_client.Unwrap(), far, _options.Limits.Relay, cancellation).ConfigureAwait(false);
                }

                break;
            case SocksCommand.Associate:
                await AssociateAsync(cancellation).ConfigureAwait(false);
                break;
            case SocksCommand.AssociateInTcp:
                IAssociation exit = await _exit.AssociateAsync(cancellation).ConfigureAwait(false);
                await using (exit.ConfigureAwait(false))
                {
                    await SucceedAsync(SocksAddress.Unspecified, cancellation).ConfigureAwait(false);
                    await DatagramRelay.RunAsync(new SocksTcpAssociation(_client), exit, cancellation).ConfigureAwait(false);
                }

                break;
            default:
                throw new CulvertException(FailureKind.NotCarried, $"SOCKS command {(byte)command} is not offered.");
        }
    }

    private async Task AssociateAsync(CancellationToken cancellation)
    {
        if (_socket.Socket.LocalEndPoint is not IPEndPoint local || _socket.Socket.RemoteEndPoint is not IPEndPoint peer)
        {
            throw new CulvertException(FailureKind.NotCarried, "A UDP association needs an IP connection.");
        }

        IAssociation exit = await _exit.AssociateAsync(cancellation).ConfigureAwait(false);
        await using (exit.ConfigureAwait(false))
        {
            SocksClientAssociation client;
            try
            {
                client = new SocksClientAssociation(_client, local.Address, peer.Address);
            }
            catch (SocketException e)
            {
                throw SocketFailures.ToFailure(e, "The client's UDP association");
            }

            await using (client.ConfigureAwait(false))
            {
                await SucceedAsync(new SocksAddress(null, client.Bound.Address, (ushort)client.Bound.Port), cancellation).ConfigureAwait(false);
                await DatagramRelay.RunAsync(client, exit, cancellation).ConfigureAwait(false);
            }
        }
    }

    // Null when there is no request to carry out; the client has been told as far as SOCKS has a word for it.
    private async ValueTask<(SocksCommand, SocksAddress)?> HandshakeAsync(CancellationToken cancellation)
    {
        int consumed;
        while (Socks5.TryParseGreeting(_client.Buffered.Span, out _, out consumed) == ParseStatus.NeedMore)
        {
            if (!await _client.FillAsync(Socks5.MaxMessage, cancellation).ConfigureAwait(false))
            {
                return null;
            }
        }

        byte wanted = _options.Credentials is null ? Socks5.NoAuthentication : Socks5.UserPassword;
        bool offered = _client.Buffered.Span[2..consumed].Contains(wanted);
        _client.Consume(consumed);
        await SendAsync(Socks5.WriteMethod(_answer, offered ? wanted : Socks5.NoAcceptableMethod), cancellation).ConfigureAwait(false);
        if (!offered || (wanted == Socks5.UserPassword && !await CheckPasswordAsync(cancellation).ConfigureAwait(false)))
        {
            return null;
        }

        while (true)
        {
            ReadOnlyMemory<byte> buffered = _client.Buffered;
            ParseStatus status = Socks5.TryParseRequest(buffered.Span, out SocksCommand command, out SocksAddress address, out consumed);
            if (status == ParseStatus.Done)
            {
                _client.Consume(consumed);
                return (command, address);
            }

            if (status == ParseStatus.Malformed)
            {
                bool type = buffered.Length >= 4 && buffered.Span[0] == Socks5.Version && buffered.Span[3] is not (1 or 3 or 4);
                await ReplyAsync(type ? SocksReply.AddressTypeNotSupported : SocksReply.GeneralFailure, SocksAddress.Unspecified, cancellation).ConfigureAwait(false);
                return null;
            }

            if (!await _client.FillAsync(Socks5.MaxMessage, cancellation).ConfigureAwait(false))
            {
                return null;
            }
        }
    }

    private async ValueTask<bool> CheckPasswordAsync(CancellationToken cancellation)
    {
        while (true)
        {
            ParseStatus status = Socks5.TryParsePassword(
                _client.Buffered.Span, out ReadOnlySpan<byte> user, out ReadOnlySpan<byte> password, out int consumed);
            if (status == ParseStatus.Done)
            {
                bool accepted = _options.Credentials!.Match(user, password);
                _client.Consume(consumed);
                await SendAsync(Socks5.WritePasswordStatus(_answer, accepted), cancellation).ConfigureAwait(false);
                return accepted;
            }

            if (status != ParseStatus.NeedMore || !await _client.FillAsync(Socks5.MaxMessage, cancellation).ConfigureAwait(false))
            {
                return false;
            }
        }
    }

    private ValueTask SucceedAsync(SocksAddress bound, CancellationToken cancellation)
    {
        _succeeded = true;
        return ReplyAsync(SocksReply.Succeeded, bound, cancellation);
    }

    private ValueTask ReplyAsync(SocksReply reply, SocksAddress bound, CancellationToken cancellation) =>
        SendAsync(Socks5.WriteReply(_answer, reply, bound), cancellation);

    private ValueTask SendAsync(int length, CancellationToken cancellation) =>
        _client.WriteAsync(new ReadOnlySequence<byte>(_answer, 0, length), cancellation);
}
