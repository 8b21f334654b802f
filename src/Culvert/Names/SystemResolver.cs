using System;
using System.Buffers;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Dns;
using Culvert.Flows;

namespace Culvert.Names;

/// <summary>
/// Has raw DNS messages answered by the name servers of this machine, as the direct exit does: by UDP to one server after the other, over TCP when an answer was
/// cut. Answers are taken only from the server asked, with our random identifier and port and the same question (RFC 5452).
/// </summary>
public sealed class SystemResolver
{
    /// <summary>How often each server is asked by default, as in the system's own resolver (RES_DFLRETRY).</summary>
    public const int DefaultRounds = 2;

    /// <summary>How long one server may take to answer by default.</summary>
    public static readonly TimeSpan DefaultTryTimeout = TimeSpan.FromSeconds(2);

    // Most answers; a client that offers to take more gets more.
    private const int DatagramRoom = 4096;

    private readonly Func<IReadOnlyList<IPEndPoint>> _servers;
    private readonly TimeSpan _tryTimeout;
    private readonly int _rounds;
    private readonly OutgoingInterface? _outgoing;

    /// <summary>Asks the servers of <c>/etc/resolv.conf</c>, which is read anew when it changes.</summary>
    public SystemResolver()
        : this(new ResolverFile(ResolverFile.DefaultPath).Servers)
    {
    }

    /// <summary>
    /// Asks the servers that <paramref name="servers"/> gives, called for every query; a try takes at most <paramref name="tryTimeout"/>, and leaves by
    /// <paramref name="outgoing"/> where that is given.
    /// </summary>
    public SystemResolver(
        Func<IReadOnlyList<IPEndPoint>> servers, TimeSpan? tryTimeout = null, int rounds = DefaultRounds, OutgoingInterface? outgoing = null)
    {
        _outgoing = outgoing;
        _servers = servers;
        _tryTimeout = tryTimeout ?? DefaultTryTimeout;
        _rounds = rounds;
    }

    /// <summary>Answers one raw DNS query (RFC 1035, no length prefix) of at most 65,535 bytes; every record type passes.</summary>
    /// <exception cref="CulvertException">No server answered: the kind of the last failure.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ResolveAsync(ReadOnlyMemory<byte> query, CancellationToken cancellation)
    {
        if (query.Length > DnsFraming.MaxMessage || !DnsQuestion.TryParse(query.Span, out DnsQuestion question))
        {
            throw new CulvertException(FailureKind.Protocol, "This is no DNS query, so no name server was asked.");
        }

        IReadOnlyList<IPEndPoint> servers = _servers();
        byte[]? unhappy = null;
        CulvertException? failure = null;
        for (int attempt = 0; attempt < _rounds * servers.Count; attempt++)
        {
            IPEndPoint server = servers[attempt % servers.Count];
            try
            {
                byte[] answer = await AskAsync(server, query, question, cancellation).ConfigureAwait(false);

                // Another server may know better, as the system's own resolver has it; one round of such answers is enough.
                if (!DnsHeader.TryParse(answer, out DnsHeader header) || header.Rcode is not (DnsRcode.ServFail or DnsRcode.NotImp or DnsRcode.Refused))
                {
                    return answer;
                }

                unhappy = answer;
            }
            catch (CulvertException e)
            {
                failure = e;
            }
            catch (SocketException e)
            {
                failure = new CulvertException(KindOf(e.SocketErrorCode), $"The system's name server {server} cannot be asked: {e.Message}", e);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                failure = new CulvertException(FailureKind.TimedOut, $"The system's name server {server} did not answer in time.");
            }

            if (unhappy is not null && attempt >= servers.Count - 1)
            {
                return unhappy;
            }
        }

        throw failure ?? new CulvertException(FailureKind.Configuration, "This system has no name server to ask.");
    }

    /// <summary>The addresses of a host by both of its record types, IPv4 first; empty where it has none.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.NameNotFound"/>: this cannot be a name; and as for a query.</exception>
    public async Task<IPAddress[]> LookupAsync(string host, CancellationToken cancellation)
    {
        Task<IPAddress[]> v6 = AskAddressesAsync(host, DnsType.Aaaa, cancellation);
        IPAddress[] v4 = await AskAddressesAsync(host, DnsType.A, cancellation).ConfigureAwait(false);
        return [.. v4, .. await v6.ConfigureAwait(false)];
    }

    private static FailureKind KindOf(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => FailureKind.Refused,
        SocketError.NetworkUnreachable or SocketError.AddressFamilyNotSupported => FailureKind.NetworkUnreachable,
        SocketError.ConnectionReset => FailureKind.Reset,
        SocketError.TimedOut => FailureKind.TimedOut,
        _ => FailureKind.HostUnreachable,
    };

    private async Task<IPAddress[]> AskAddressesAsync(string host, DnsType type, CancellationToken cancellation)
    {
        if (!DnsAnswers.TryWriteQuery(host, type, out byte[] query))
        {
            throw new CulvertException(FailureKind.NameNotFound, $"'{host}' cannot be a host's name.");
        }

        ReadOnlyMemory<byte> answer = await ResolveAsync(query, cancellation).ConfigureAwait(false);
        return [.. DnsAnswers.Addresses(answer.Span).Select(static found => found.Address)];
    }

    private async ValueTask<byte[]> AskAsync(IPEndPoint server, ReadOnlyMemory<byte> query, DnsQuestion question, CancellationToken cancellation)
    {
        byte[] answer = await LimitedAsync(token => AskByDatagramAsync(server, query, question, token), cancellation).ConfigureAwait(false);
        return DnsHeader.TryParse(answer, out DnsHeader header) && header.IsTruncated
            ? await LimitedAsync(token => AskByStreamAsync(server, query, token), cancellation).ConfigureAwait(false)
            : answer;
    }

    private async ValueTask<byte[]> LimitedAsync(Func<CancellationToken, ValueTask<byte[]>> ask, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(_tryTimeout);
        return await ask(limit.Token).ConfigureAwait(false);
    }

    private async ValueTask<byte[]> AskByDatagramAsync(IPEndPoint server, ReadOnlyMemory<byte> query, DnsQuestion question, CancellationToken cancellation)
    {
        var outward = new OutwardQuery(query);
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        BindOutgoing(socket, server);

        // A connected socket takes datagrams from this server only, and learns at once when nobody listens there.
        await socket.ConnectAsync(server, cancellation).ConfigureAwait(false);
        await socket.SendAsync(outward.Message, cancellation).ConfigureAwait(false);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Math.Max(DatagramRoom, question.EdnsSize));
        try
        {
            while (true)
            {
                int length = await socket.ReceiveAsync(buffer, cancellation).ConfigureAwait(false);
                if (outward.TryAccept(buffer.AsSpan(0, length), out byte[] answer))
                {
                    return answer;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<byte[]> AskByStreamAsync(IPEndPoint server, ReadOnlyMemory<byte> query, CancellationToken cancellation)
    {
        var outward = new OutwardQuery(query);
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        BindOutgoing(socket, server);
        await socket.ConnectAsync(server, cancellation).ConfigureAwait(false);
        ReadOnlyMemory<byte> framed = DnsFraming.Frame(outward.Message.Span);
        while (!framed.IsEmpty)
        {
            framed = framed[await socket.SendAsync(framed, cancellation).ConfigureAwait(false)..];
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(DnsFraming.PrefixSize + DnsFraming.MaxMessage);
        try
        {
            int length = 0;
            while (true)
            {
                int got = await socket.ReceiveAsync(buffer.AsMemory(length), cancellation).ConfigureAwait(false);
                if (got == 0)
                {
                    throw new SocketException((int)SocketError.ConnectionReset);
                }

                length += got;
                if (TryTakeAnswer(buffer.AsSpan(0, length), outward, out byte[]? answer))
                {
                    return answer ?? throw new SocketException((int)SocketError.ConnectionReset);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // A resolver on this machine is reached on loopback, whatever way leads out.
    private void BindOutgoing(Socket socket, IPEndPoint server)
    {
        if (!IPAddress.IsLoopback(server.Address))
        {
            _outgoing?.Bind(socket);
        }
    }

    /// <summary>True once a message is whole; a message that is not the answer gives null, since one question was asked on this connection.</summary>
    private static bool TryTakeAnswer(ReadOnlySpan<byte> received, OutwardQuery outward, out byte[]? answer)
    {
        answer = null;
        if (!DnsFraming.TryTake(ref received, out ReadOnlySpan<byte> message))
        {
            return false;
        }

        answer = outward.TryAccept(message, out byte[] accepted) ? accepted : null;
        return true;
    }
}
