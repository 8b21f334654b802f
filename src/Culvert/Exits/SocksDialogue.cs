using System;
using System.Buffers;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Proxy;
using Culvert.Flows;

namespace Culvert.Exits;

/// <summary>The client's part of a SOCKS5 handshake on one connection.</summary>
internal sealed class SocksDialogue
{
    private readonly BufferedConnection _connection;
    private readonly ProxyDialer _dialer;

    /// <summary>A dialogue about to begin.</summary>
    public SocksDialogue(BufferedConnection connection, ProxyDialer dialer)
    {
        _connection = connection;
        _dialer = dialer;
    }

    /// <summary>Agrees on a method and proves who we are. The value says nothing.</summary>
    public async ValueTask<bool> GreetAsync(string? user, string? password, CancellationToken cancellation)
    {
        byte[] message = new byte[Socks5.MaxMessage];
        int length = Socks5.WriteGreeting(message, user is null ? [Socks5.NoAuthentication] : [Socks5.NoAuthentication, Socks5.UserPassword]);
        await SendAsync(message.AsMemory(0, length), cancellation);
        byte method = await ReadAsync<byte>(Socks5.TryParseMethod, cancellation) ?? throw _dialer.Garbled("SOCKS5");
        switch (method)
        {
            case Socks5.NoAuthentication:
                return true;
            case Socks5.UserPassword when user is not null:
                break;
            case Socks5.NoAcceptableMethod when user is null:
                throw new CulvertException(
                    FailureKind.Authentication, $"The exit {_dialer.Shown} wants a user name and password. Write them as socks5://user:password@host:port.");
            case Socks5.NoAcceptableMethod:
                throw new CulvertException(FailureKind.Authentication, $"The exit {_dialer.Shown} takes neither a password nor nobody's; Culvert knows no other way.");
            default:
                throw _dialer.Garbled("SOCKS5");
        }

        length = Socks5.WritePassword(message, user, password ?? "");
        await SendAsync(message.AsMemory(0, length), cancellation);
        // Servers that hang up instead of saying no mean no.
        if (await ReadAsync<bool>(Socks5.TryParsePasswordStatus, cancellation) != true)
        {
            throw new CulvertException(FailureKind.Authentication, $"The exit {_dialer.Shown} does not accept this user name and password. Check them.");
        }

        return true;
    }

    /// <summary>Sends a request and waits for the reply. A server that hangs up has refused in its way.</summary>
    public async ValueTask<(SocksReply Reply, SocksAddress Bound)> AskAsync(ReadOnlyMemory<byte> request, CancellationToken cancellation)
    {
        await SendAsync(request, cancellation);
        return await ReadAsync<(SocksReply, SocksAddress)>(TryParseReply, cancellation) ?? (SocksReply.GeneralFailure, default);
    }

    private static ParseStatus TryParseReply(ReadOnlySpan<byte> data, out (SocksReply Reply, SocksAddress Bound) reply, out int consumed)
    {
        ParseStatus status = Socks5.TryParseReply(data, out reply.Reply, out reply.Bound, out consumed);
        if (status == ParseStatus.Malformed && data.Length >= 2 && data[0] == Socks5.Version && data[1] != (byte)SocksReply.Succeeded)
        {
            // Some servers leave out the address of a refusal, or fill it with zeros.
            consumed = data.Length;
            return ParseStatus.Done;
        }

        return status;
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellation)
    {
        try
        {
            await _connection.WriteAsync(new ReadOnlySequence<byte>(message), cancellation);
        }
        catch (CulvertException e) when (e.Kind == FailureKind.Reset)
        {
            throw _dialer.Unreachable(e);
        }
    }

    // Null when the server hangs up first.
    private async ValueTask<T?> ReadAsync<T>(Parse<T> parse, CancellationToken cancellation)
        where T : struct
    {
        while (true)
        {
            switch (parse(_connection.Buffered.Span, out T value, out int consumed))
            {
                case ParseStatus.Done:
                    _connection.Consume(consumed);
                    return value;
                case ParseStatus.NeedMore:
                    break;
                default:
                    throw _dialer.Garbled("SOCKS5");
            }

            try
            {
                if (!await _connection.FillAsync(Socks5.MaxMessage, cancellation))
                {
                    return null;
                }
            }
            catch (CulvertException e) when (e.Kind == FailureKind.Reset)
            {
                return null;
            }
        }
    }

    private delegate ParseStatus Parse<T>(ReadOnlySpan<byte> data, out T value, out int consumed);
}
