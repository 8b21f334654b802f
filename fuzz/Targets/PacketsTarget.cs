using System;
using Culvert.Core.Packets;

namespace Culvert.Fuzz.Targets;

/// <summary>Whatever comes, the parsers stay within it, the answers built from it are valid packets, and the reassembler within its bounds.</summary>
internal sealed class PacketsTarget(ulong seed) : IFuzzTarget
{
    private const int MaxBytes = 1 << 20;

    private readonly PacketPool _pool = new();
    private readonly DropCounters _drops = new();
    private readonly byte[] _scratch = new byte[2048];
    private Reassembler? _reassembler;
    private FuzzRandom _random = new(seed);
    private long _now;

    public static FuzzTarget Entry { get; } = new(
        "packets", "IP, TCP, UDP and ICMP parsers and what answers them, and reassembly", PacketCorpus.Make, seed => new PacketsTarget(seed), PacketCorpus.Repair);

    public void Run(ReadOnlySpan<byte> input)
    {
        bool parsed = IpHeader.TryParse(input, out IpHeader ip, out DropReason reason);
        Expect.That(parsed == (reason == DropReason.None), "a refused packet has a reason");
        if (!parsed)
        {
            return;
        }

        int least = ip.Version == 4 ? IpHeader.V4Size : IpHeader.V6Size;
        Expect.That(ip.Version is 4 or 6 && ip.Source.IsV4 == (ip.Version == 4) && ip.Destination.IsV4 == ip.Source.IsV4, "addresses are of the version");
        Expect.That(least <= ip.HeaderLength && ip.HeaderLength <= ip.TotalLength && ip.TotalLength <= input.Length, "the header is within the packet");
        Expect.That(IpHeader.TryParse(input[..ip.TotalLength], out IpHeader cut) && cut.HeaderLength == ip.HeaderLength, "padding means nothing");
        RunError(input, ip);
        if (ip.IsFragment)
        {
            Expect.That(ip.Version == 4 || (ip.FragmentHeaderOffset >= least && ip.FragmentHeaderOffset + 8 == ip.HeaderLength), "the fragment header is found");
            Reassemble(input, ip);
        }
        else
        {
            RunTransport(input[ip.HeaderLength..ip.TotalLength], ip, input);
        }
    }

    public void Finish()
    {
        _reassembler?.Clear();
        Expect.That(_pool.Outstanding == 0, "every buffer is given back");
        Expect.That(_reassembler is null || (_reassembler.Count == 0 && _reassembler.NextDeadline == long.MaxValue), "nothing is left to wait for");
    }

    private void RunTransport(ReadOnlySpan<byte> transport, in IpHeader ip, ReadOnlySpan<byte> packet)
    {
        bool valid = Checksum.IsTransportValid(ip, transport);
        switch (ip.Protocol)
        {
            case IpProtocol.Tcp when TcpHeader.TryParse(transport, out TcpHeader tcp):
                RunTcp(tcp, transport);
                break;
            case IpProtocol.Udp when UdpHeader.TryParse(transport, out UdpHeader udp):
                Expect.That(udp.Length >= UdpHeader.Size && udp.Length <= transport.Length, "the datagram is within the packet");
                break;
            case IpProtocol.Icmp or IpProtocol.IcmpV6 when IcmpHeader.TryParse(transport, out IcmpHeader icmp) && ip.TotalLength <= _scratch.Length:
                if (IcmpEcho.IsRequest(ip, icmp) && ip.Protocol == (ip.Version == 4 ? IpProtocol.Icmp : IpProtocol.IcmpV6))
                {
                    Span<byte> reply = _scratch.AsSpan(0, ip.TotalLength);
                    packet[..ip.TotalLength].CopyTo(reply);
                    IcmpEcho.TurnIntoReply(reply, ip);
                    Expect.That(IpHeader.TryParse(reply, out IpHeader answer) && answer.Source == ip.Destination, "an echo reply is a packet");
                    Expect.That(Checksum.IsTransportValid(answer, reply[answer.HeaderLength..]) == valid, "an echo reply is as right as its request");
                }

                break;
        }

        if (_random.OnceIn(32))
        {
            ChecksumSum sum = default;
            int split = _random.Below(transport.Length + 1);
            sum.Add(transport[..split]);
            sum.Add(transport[split..]);
            Expect.That(sum.Result == Checksum.Compute(transport), "a checksum does not depend on how it is sliced");
        }
    }

    private void RunTcp(in TcpHeader tcp, ReadOnlySpan<byte> segment)
    {
        Expect.That(tcp.HeaderLength is >= TcpHeader.MinSize and <= TcpHeader.MaxSize && tcp.HeaderLength <= segment.Length, "the TCP header is within the segment");
        Expect.That(tcp.SackCount is >= 0 and <= SackBlocks.Capacity && tcp.WindowScale <= TcpHeader.MaxWindowScale, "options are within their bounds");
        int written = tcp.Write(_scratch);
        Expect.That(
            TcpHeader.TryParse(_scratch.AsSpan(0, written), out TcpHeader again) && again.HeaderLength == written && again.Flags == tcp.Flags
            && again.Sequence == tcp.Sequence && again.Mss == tcp.Mss && again.HasWindowScale == tcp.HasWindowScale && again.WindowScale == tcp.WindowScale
            && again.SackPermitted == tcp.SackPermitted && again.TimestampValue == tcp.TimestampValue && again.TimestampEcho == tcp.TimestampEcho
            && again.SackCount == Math.Min(tcp.SackCount, tcp.HasTimestamp ? 3 : 4),
            "what was read is written the same");
    }

    private void RunError(ReadOnlySpan<byte> packet, in IpHeader ip)
    {
        IcmpErrorKind kind = (IcmpErrorKind)_random.Below((int)IcmpErrorKind.TooBig + 1);
        int length = IcmpError.Write(_scratch, ip, packet, ip.Destination, kind, mtu: 1280);
        if (length == 0)
        {
            return;
        }

        ReadOnlySpan<byte> error = _scratch.AsSpan(0, length);
        Expect.That(length <= (ip.Version == 4 ? IcmpError.MaxV4 : IcmpError.MaxV6), "an error is short");
        Expect.That(IpHeader.TryParse(error, out IpHeader header) && header.TotalLength == length && header.Destination == ip.Source, "an error is a packet");
        Expect.That(Checksum.IsTransportValid(header, error[header.HeaderLength..]), "an error's checksum is right");
        Expect.That(!IcmpError.IsAllowed(header, error), "nothing answers an error");
    }

    private void Reassemble(ReadOnlySpan<byte> input, in IpHeader ip)
    {
        _reassembler ??= new Reassembler(_pool, MaxBytes, _drops);
        _now += _random.OnceIn(4096) ? Reassembler.Timeout : _random.Below(1000);
        PacketBuffer buffer = _pool.Rent(input.Length);
        input.CopyTo(buffer.Array);
        buffer.Length = input.Length;
        PacketBuffer? whole = _reassembler.Add(buffer, ip, _now);
        if (whole is not null)
        {
            bool parsed = IpHeader.TryParse(whole.Span, out IpHeader made, out DropReason reason);
            // Headers before and behind the fragment header may be too many only together.
            Expect.That(parsed || (ip.Version == 6 && reason == DropReason.ExtensionHeader), "what is put together is a packet");
            Expect.That(!parsed || (made.TotalLength == whole.Length && !made.IsFragment && made.Source == ip.Source), "what is put together is whole");
            whole.Release();
        }

        Expect.That(_reassembler.Bytes <= MaxBytes && _reassembler.Count <= Reassembler.MaxPackets, "the reassembler stays within its bounds");
        Expect.That(_pool.Outstanding * PacketPool.LargeSize == _reassembler.Bytes, "only the reassembler's blocks are out");
        Expect.That(_reassembler.Count == 0 || _reassembler.NextDeadline > _now, "what is late is gone");
    }
}
