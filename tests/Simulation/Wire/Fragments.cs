using System;
using System.Collections.Generic;
using Culvert.Core.Packets;

namespace Culvert.Tests.Simulation.Wire;

/// <summary>Cuts packets into fragments, and puts the whole ones together again; keeps what it was given without a bound, which only a test may.</summary>
internal sealed class Fragments
{
    private readonly Dictionary<(IpAddr, IpAddr, byte, uint), SortedList<int, IpPacket>> _waiting = [];

    public static IEnumerable<IpPacket> Cut(IpPacket packet, int mtu, uint id)
    {
        int header = packet.IsV4 ? 20 : 40;
        if (header + packet.Payload.Length <= mtu)
        {
            yield return packet with { Id = id };
            yield break;
        }

        int each = (mtu - (packet.IsV4 ? 20 : 48)) & ~7;
        for (int at = 0; at < packet.Payload.Length; at += each)
        {
            int take = Math.Min(each, packet.Payload.Length - at);
            yield return packet with
            {
                Id = id,
                DontFragment = false,
                FragmentOffset = at,
                MoreFragments = at + take < packet.Payload.Length,
                Payload = packet.Payload.Slice(at, take),
            };
        }
    }

    /// <summary>The whole packet when this fragment completes it (or is none), else null.</summary>
    public IpPacket? Add(IpPacket packet)
    {
        if (!packet.IsFragment)
        {
            return packet;
        }

        (IpAddr, IpAddr, byte, uint) key = (packet.Source, packet.Destination, packet.Protocol, packet.Id);
        if (!_waiting.TryGetValue(key, out SortedList<int, IpPacket>? parts))
        {
            _waiting[key] = parts = [];
        }

        parts[packet.FragmentOffset] = packet;
        int length = 0;
        foreach (IpPacket part in parts.Values)
        {
            if (part.FragmentOffset != length)
            {
                return null;
            }

            length += part.Payload.Length;
        }

        if (parts.Values[^1].MoreFragments)
        {
            return null;
        }

        byte[] whole = new byte[length];
        foreach (IpPacket part in parts.Values)
        {
            part.Payload.Span.CopyTo(whole.AsSpan(part.FragmentOffset));
        }

        _waiting.Remove(key);
        return packet with { Payload = whole, MoreFragments = false, FragmentOffset = 0 };
    }
}
