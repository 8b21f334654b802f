using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Core.Stack.Tcp;

namespace Culvert.Core.Stack;

// ICMP of both versions: echo, errors sent, and the errors received that matter.
public sealed partial class IpStack
{
    /// <summary>Echo requests handed out and not yet answered. Beyond, a request is dropped.</summary>
    private const int MaxEchoes = 256;

    /// <summary>An echo request that the user has let go without an answer counts no longer after so long.</summary>
    private const long EchoLifetime = 10_000_000;

    /// <summary>ICMP errors: at most so many at once, and then one more every interval (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 (f)).</summary>
    private const int ErrorBurst = 256;
    private const long ErrorInterval = 1_000;

    private readonly Queue<long> _echoes = new();
    private long _errorCredit = ErrorBurst * ErrorInterval;
    private long _errorCreditAt;

    /// <summary>Answers an echo request with its own payload: <paramref name="request"/> is the event's buffer, and moves to the stack.</summary>
    public void ReplyEcho(PacketBuffer request, long now)
    {
        _ = now;
        _echoes.TryDequeue(out _);
        if (!IpHeader.TryParse(request.Span, out IpHeader ip))
        {
            throw new ArgumentException("The buffer is not the one of an EchoRequest event.", nameof(request));
        }

        IcmpEcho.TurnIntoReply(request.Span, ip);
        request.Start += ip.HeaderLength;
        request.Length = ip.PayloadLength;
        SendMessage(_datagrams, request, ip.Destination, ip.Source, ip.Protocol);
    }

    /// <summary>Answers an echo request with an ICMP error; <paramref name="request"/> moves to the stack.</summary>
    public void RefuseEcho(PacketBuffer request, Refusal refusal, long now)
    {
        _echoes.TryDequeue(out _);
        Refuse(request.Span, refusal, now);
        request.Release();
    }

    private void ReceiveIcmp(PacketBuffer packet, in IpHeader ip, long now)
    {
        ReadOnlySpan<byte> message = packet.Span[ip.HeaderLength..ip.TotalLength];
        if (!IcmpHeader.TryParse(message, out IcmpHeader icmp))
        {
            Drop(packet, DropReason.TransportHeader);
            return;
        }

        if (IcmpEcho.IsRequest(ip, icmp))
        {
            ReceiveEcho(packet, now);
            return;
        }

        bool tooBig = ip.Version == 4 ? icmp.Type == IcmpType.Unreachable && icmp.Code == 4 : icmp.Type == IcmpType.TooBigV6;
        if (tooBig)
        {
            TakePathMtu(message[IcmpHeader.Size..], ip.Version == 4 ? icmp.Sequence : (int)Math.Min(icmp.Rest, int.MaxValue), now);
        }
        else
        {
            Counters.Drops.Count(DropReason.NoFlow);
        }

        packet.Release();
    }

    private void ReceiveEcho(PacketBuffer packet, long now)
    {
        while (_echoes.TryPeek(out long since) && now - since >= EchoLifetime)
        {
            _echoes.Dequeue();
        }

        if (_echoes.Count >= MaxEchoes)
        {
            Drop(packet, DropReason.Limit);
            return;
        }

        _echoes.Enqueue(now);
        _events.Enqueue(new StackEvent(StackEventKind.EchoRequest, Buffer: Compact(packet)));
    }

    /// <summary>A router tells that a packet of ours, whose beginning is <paramref name="quote"/>, was too long for it.</summary>
    private void TakePathMtu(ReadOnlySpan<byte> quote, int mtu, long now)
    {
        // The quote is cut short, so that its lengths do not hold: only what names the flow is read.
        bool v4 = quote.Length > 0 && quote[0] >> 4 == 4;
        int header = v4 ? (quote[0] & 0x0F) * 4 : IpHeader.V6Size;
        if (quote.Length < header + 8 || header < IpHeader.V4Size || quote[v4 ? 9 : 6] != IpProtocol.Tcp)
        {
            Counters.Drops.Count(DropReason.NoFlow);
            return;
        }

        IpAddr from = IpAddr.Read(v4 ? quote.Slice(12, 4) : quote.Slice(8, 16));
        IpAddr to = IpAddr.Read(v4 ? quote.Slice(16, 4) : quote.Slice(24, 16));
        ReadOnlySpan<byte> tcp = quote[header..];
        FlowKey key = new(
            new IpEndpoint(to, BinaryPrimitives.ReadUInt16BigEndian(tcp[2..])), new IpEndpoint(from, BinaryPrimitives.ReadUInt16BigEndian(tcp)));
        if (_flows.TryGetValue(key, out TcpFlow? flow))
        {
            flow.LowerPathMtu(BinaryPrimitives.ReadUInt32BigEndian(tcp[4..]), mtu, now);
        }
        else
        {
            Counters.Drops.Count(DropReason.NoFlow);
        }
    }

    /// <summary>Tells the sender of <paramref name="packet"/>, in the name of its destination, that it goes nowhere.</summary>
    private void Refuse(ReadOnlySpan<byte> packet, Refusal refusal, long now)
    {
        if (refusal != Refusal.Silent && IpHeader.TryParse(packet, out IpHeader ip))
        {
            SendError(packet, ip, ip.Destination, refusal switch
            {
                Refusal.Refused => IcmpErrorKind.PortUnreachable,
                Refusal.HostUnreachable => IcmpErrorKind.HostUnreachable,
                Refusal.NetworkUnreachable => IcmpErrorKind.NetworkUnreachable,
                _ => IcmpErrorKind.Prohibited,
            }, now);
        }
    }

    private void SendError(ReadOnlySpan<byte> packet, in IpHeader ip, IpAddr sender, IcmpErrorKind kind, long now)
    {
        _errorCredit = Math.Min(_errorCredit + Math.Max(now - _errorCreditAt, 0), ErrorBurst * ErrorInterval);
        _errorCreditAt = now;
        if (_errorCredit < ErrorInterval)
        {
            Counters.Drops.Count(DropReason.Limit);
            return;
        }

        PacketBuffer error = Pool.Rent(IcmpError.MaxV6);
        error.Length = IcmpError.Write(error.Array, ip, packet, sender, kind);
        if (error.Length == 0)
        {
            error.Release();
            return;
        }

        _errorCredit -= ErrorInterval;
        Counters.IcmpErrors++;
        int header = IpWriter.HeaderSize(sender);
        error.Start += header;
        error.Length -= header;
        SendMessage(_control, error, sender, ip.Source, ip.Version == 4 ? IpProtocol.Icmp : IpProtocol.IcmpV6);
    }
}
