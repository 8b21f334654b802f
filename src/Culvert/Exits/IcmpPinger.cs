using System;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;
using Culvert.Platform;

namespace Culvert.Exits;

/// <summary>
/// Sends ICMP echoes (RFC 792, RFC 4443) through the system: by its unprivileged ping sockets where they are allowed
/// (net.ipv4.ping_group_range), else by raw sockets where this process may open them.
/// </summary>
internal sealed class IcmpPinger
{
    private const int HeaderLength = 8;
    private const byte EchoReplyV4 = 0;
    private const byte EchoV4 = 8;
    private const byte EchoV6 = 128;
    private const byte EchoReplyV6 = 129;

    private readonly int _limit;
    private readonly TimeSpan _timeout;
    private readonly SocketType? _type;
    private readonly OutgoingInterface? _outgoing;
    private int _running;

    /// <summary>Finds out by trying what the system allows.</summary>
    public IcmpPinger(int limit, TimeSpan timeout, OutgoingInterface? outgoing = null)
    {
        _outgoing = outgoing;
        _limit = limit;
        _timeout = timeout;
        _type = CanOpen(SocketType.Dgram) ? SocketType.Dgram : CanOpen(SocketType.Raw) ? SocketType.Raw : null;
    }

    /// <summary>Whether echoes can be sent at all.</summary>
    public bool Works => _type is not null;

    /// <summary>As <see cref="IExit.EchoAsync"/>, to an address.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> EchoAsync(IPAddress destination, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        if (_type is not { } type)
        {
            throw new CulvertException(FailureKind.NotCarried, "The system does not let this user send pings (net.ipv4.ping_group_range).");
        }

        string what = $"The ping to {destination}";
        if (Interlocked.Increment(ref _running) > _limit)
        {
            Interlocked.Decrement(ref _running);
            throw new CulvertException(FailureKind.LimitReached, $"{what} was not sent: {_limit} others are waiting for their answers.");
        }

        try
        {
            return await Deadline.RunAsync(_timeout, what, token => ExchangeAsync(type, destination, payload, token), cancellation).ConfigureAwait(false);
        }
        catch (SocketException e)
        {
            throw SocketFailures.ToFailure(e, what);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private static bool CanOpen(SocketType type)
    {
        try
        {
            using Socket socket = new(AddressFamily.InterNetwork, type, ProtocolType.Icmp);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async ValueTask<ReadOnlyMemory<byte>> ExchangeAsync(
        SocketType type, IPAddress destination, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        bool v4 = destination.AddressFamily == AddressFamily.InterNetwork;
        using Socket socket = new(destination.AddressFamily, type, v4 ? ProtocolType.Icmp : ProtocolType.IcmpV6);
        _outgoing?.Bind(socket);
        await socket.ConnectAsync(new IPEndPoint(destination, 0), cancellation).ConfigureAwait(false);

        byte[] request = new byte[HeaderLength + payload.Length];
        request[0] = v4 ? EchoV4 : EchoV6;
        SystemRandom.Fill(request.AsSpan(4, 4)); // identifier (a ping socket sets its own) and sequence number
        payload.CopyTo(request.AsMemory(HeaderLength));
        if (v4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(2), Checksum(request)); // for ICMPv6 the system does it
        }

        await socket.SendAsync(request, SocketFlags.None, cancellation).ConfigureAwait(false);
        byte[] buffer = new byte[ushort.MaxValue];
        while (true)
        {
            int count = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellation).ConfigureAwait(false);
            // Raw IPv4 sockets give the IP header too.
            int start = type == SocketType.Raw && v4 && count > 0 ? (buffer[0] & 0xF) * 4 : 0;
            ReadOnlyMemory<byte> message = start <= count ? buffer.AsMemory(start, count - start) : default;
            if (IsAnswer(message.Span, request, v4 ? EchoReplyV4 : EchoReplyV6, type == SocketType.Raw))
            {
                return message[HeaderLength..].ToArray();
            }
        }
    }

    private static bool IsAnswer(ReadOnlySpan<byte> message, ReadOnlySpan<byte> request, byte type, bool raw) =>
        message.Length >= HeaderLength && message[0] == type && message[1] == 0
        && message.Slice(raw ? 4 : 6, raw ? 4 : 2).SequenceEqual(request.Slice(raw ? 4 : 6, raw ? 4 : 2));

    // RFC 1071, over the few bytes of a ping.
    private static ushort Checksum(ReadOnlySpan<byte> data)
    {
        uint sum = 0;
        for (; data.Length > 1; data = data[2..])
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(data);
        }

        sum += data.IsEmpty ? 0u : (uint)data[0] << 8;
        sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~(sum + (sum >> 16));
    }
}
