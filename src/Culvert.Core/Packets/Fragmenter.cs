using System;

namespace Culvert.Core.Packets;

/// <summary>
/// Cuts one transport message (a UDP datagram, an ICMP echo reply) into packets of at most the MTU, one at a time as the link takes them (RFC 791
/// section 3.2, RFC 8200 section 4.5). A message that fits goes as one whole packet.
/// </summary>
internal struct Fragmenter
{
    private readonly IpAddr _source;
    private readonly IpAddr _destination;
    private readonly byte _protocol;
    private readonly int _mtu;
    private readonly uint _id;
    private int _done;

    /// <summary>
    /// A message between two addresses. <paramref name="mtu"/> is at least 68 (IPv4) or 1280 (IPv6); <paramref name="id"/> must differ from that of other recent
    /// messages between the two (IPv4 uses its low 16 bits).
    /// </summary>
    public Fragmenter(IpAddr source, IpAddr destination, byte protocol, int mtu, uint id)
    {
        _source = source;
        _destination = destination;
        _protocol = protocol;
        _mtu = mtu;
        _id = id;
    }

    /// <summary>
    /// Builds the next packet of the message <paramref name="transport"/> followed by <paramref name="payload"/>, the same at every call: headers and the
    /// transport header (at most 8 bytes) in <paramref name="scratch"/>, a slice of the payload behind. False when all are built.
    /// </summary>
    public bool TryNext(Span<byte> scratch, ReadOnlySpan<byte> transport, ReadOnlySpan<byte> payload, out OutgoingPacket packet)
    {
        int total = transport.Length + payload.Length;
        int ipHeader = IpWriter.HeaderSize(_source);
        if (_done >= total && _done > 0)
        {
            packet = default;
            return false;
        }

        int header, length;
        if (ipHeader + total <= _mtu)
        {
            length = total;
            header = IpWriter.Write(scratch, _source, _destination, _protocol, total);
        }
        else
        {
            int room = (_mtu - ipHeader - (_source.IsV4 ? 0 : IpWriter.FragmentHeaderSize)) & ~7;
            length = Math.Min(room, total - _done);
            header = IpWriter.WriteFragment(scratch, _source, _destination, _protocol, length, _id, _done, more: _done + length < total);
        }

        int from = 0;
        int count = length;
        if (_done == 0)
        {
            transport.CopyTo(scratch[header..]);
            header += transport.Length;
            count -= transport.Length;
        }
        else
        {
            from = _done - transport.Length;
        }

        packet = new OutgoingPacket(scratch[..header], payload.Slice(from, count), default);
        _done += length;
        return true;
    }
}
