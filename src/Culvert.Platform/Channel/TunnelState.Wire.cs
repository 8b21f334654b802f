using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using Culvert.Core;

namespace Culvert.Platform.Channel;

/// <content>
/// The form on the channel, after the message's kind and the length of the rest: flags (1 byte), engine, user, group (4 each), the captive hole's end (8, Unix
/// seconds), then the lists, each with its count (2): addresses and prefixes as family (4 or 6), length of the prefix, and all bytes of the
/// address; a bypass has protocol (1) and port (2) behind. Numbers are little-endian. There is one form for each state, and nothing behind it.
/// </content>
public sealed partial record TunnelState
{
    /// <summary>Largest message that holds a state, in bytes.</summary>
    public const int MaximumSize = 128 * 1024;

    private const int FixedSize = 21;
    private const int LanFlag = 1;
    private const int Ipv6Flag = 2;
    private const int DnsFlag = 4;
    private const int KillSwitchFlag = 8;
    private const int CaptiveFlag = 16;
    private const int UserFlag = 32;
    private const int GroupFlag = 64;

    /// <summary>The state as bytes.</summary>
    /// <exception cref="CulvertException">LimitReached when a list has more than <see cref="MaximumEntries"/>.</exception>
    internal byte[] ToBytes()
    {
        foreach (int count in (ReadOnlySpan<int>)[Addresses.Count, Inside.Count, Outside.Count, EngineOutside.Count, Resolvers.Count])
        {
            if (count > MaximumEntries)
            {
                throw new CulvertException(FailureKind.LimitReached, $"A tunnel has at most {MaximumEntries} of each: addresses, networks inside and outside; {count} were asked for.");
            }
        }

        byte[] buffer = new byte[MaximumSize];
        Span<byte> fixedPart = buffer;
        fixedPart[0] = (byte)((Lan ? LanFlag : 0) | (Ipv6 ? Ipv6Flag : 0) | (CaptureDns ? DnsFlag : 0) | (KillSwitch ? KillSwitchFlag : 0)
            | (CaptiveUntil is null ? 0 : CaptiveFlag) | (User is null ? 0 : UserFlag) | (Group is null ? 0 : GroupFlag));
        BinaryPrimitives.WriteUInt32LittleEndian(fixedPart[1..], Engine);
        BinaryPrimitives.WriteUInt32LittleEndian(fixedPart[5..], User ?? 0);
        BinaryPrimitives.WriteUInt32LittleEndian(fixedPart[9..], Group ?? 0);
        BinaryPrimitives.WriteInt64LittleEndian(fixedPart[13..], CaptiveUntil?.ToUnixTimeSeconds() ?? 0);
        StateWriter writer = new(buffer, FixedSize);
        writer.Count(Addresses.Count);
        foreach (LinkAddress address in Addresses)
        {
            writer.Address(address.Address, address.PrefixLength);
        }

        writer.Count(Inside.Count);
        foreach (IPNetwork network in Inside)
        {
            writer.Address(network.BaseAddress, network.PrefixLength);
        }

        foreach (IReadOnlyList<Bypass> list in new[] { Outside, EngineOutside })
        {
            writer.Count(list.Count);
            foreach (Bypass bypass in list)
            {
                writer.Bypass(bypass);
            }
        }

        writer.Count(Resolvers.Count);
        foreach (IPAddress resolver in Resolvers)
        {
            writer.Address(resolver, resolver.GetAddressBytes().Length * 8);
        }

        return buffer[..writer.Length];
    }

    /// <summary>Reads a state; false for anything that <see cref="ToBytes"/> does not write.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out TunnelState? state)
    {
        state = null;
        if (bytes.Length is < FixedSize or > MaximumSize || (bytes[0] & 0x80) != 0)
        {
            return false;
        }

        int flags = bytes[0];
        uint user = BinaryPrimitives.ReadUInt32LittleEndian(bytes[5..]);
        uint group = BinaryPrimitives.ReadUInt32LittleEndian(bytes[9..]);
        long captive = BinaryPrimitives.ReadInt64LittleEndian(bytes[13..]);
        DateTimeOffset? until = null;
        if ((flags & CaptiveFlag) != 0)
        {
            if (captive < 0 || captive > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
            {
                return false;
            }

            until = DateTimeOffset.FromUnixTimeSeconds(captive);
        }
        else if (captive != 0)
        {
            return false;
        }

        if (((flags & UserFlag) == 0 && user != 0) || ((flags & GroupFlag) == 0 && group != 0))
        {
            return false;
        }

        StateReader reader = new(bytes[FixedSize..]);
        if (!reader.TryList(StateReader.Address, out List<LinkAddress>? addresses) || !reader.TryList(StateReader.Network, out List<IPNetwork>? inside)
            || !reader.TryList(StateReader.Bypass, out List<Bypass>? outside) || !reader.TryList(StateReader.Bypass, out List<Bypass>? engineOutside)
            || !reader.TryList(StateReader.Host, out List<IPAddress>? resolvers) || !reader.AtEnd)
        {
            return false;
        }

        state = new TunnelState
        {
            Addresses = addresses,
            Inside = inside,
            Outside = outside,
            EngineOutside = engineOutside,
            Resolvers = resolvers,
            Engine = BinaryPrimitives.ReadUInt32LittleEndian(bytes[1..]),
            Lan = (flags & LanFlag) != 0,
            Ipv6 = (flags & Ipv6Flag) != 0,
            CaptureDns = (flags & DnsFlag) != 0,
            KillSwitch = (flags & KillSwitchFlag) != 0,
            CaptiveUntil = until,
            User = (flags & UserFlag) != 0 ? user : null,
            Group = (flags & GroupFlag) != 0 ? group : null,
        };
        return true;
    }
}
