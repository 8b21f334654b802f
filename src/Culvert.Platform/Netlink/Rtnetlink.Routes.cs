using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using Culvert.Core;
using Culvert.Platform.Interop;

namespace Culvert.Platform.Netlink;

/// <content>Routes of tables of our own, and what the machine's tables hold; what `ip route` does.</content>
internal sealed unsafe partial class Rtnetlink
{
    private const byte Throw = 9;

    /// <summary>Adds a route of ours; one that is there already is the same one.</summary>
    public void AddRoute(TableRoute route) => Send(Route(stackalloc byte[128], NewRoute, Create | Replace, route), $"the route to {route.Destination}");

    /// <summary>Removes a route of ours; nothing when it is not there, as after the end of its interface.</summary>
    public void RemoveRoute(TableRoute route) => Send(Route(stackalloc byte[128], DeleteRoute, 0, route), $"the end of the route to {route.Destination}", Errno.ESRCH);

    /// <summary>
    /// The routes of a table: unicast ones, and those that say "throw". With <paramref name="ours"/>, those that carry <see cref="Protocol"/> only.
    /// </summary>
    /// <exception cref="CulvertException">LimitReached when there are more than <paramref name="most"/>.</exception>
    public List<TableRoute> Routes(AddressFamily family, uint table, bool ours, int most = 65536)
    {
        Span<byte> body = stackalloc byte[12];
        body[0] = Family(family);
        NetlinkRequest request = new(stackalloc byte[64], GetRoute, Dump, body);
        List<TableRoute> routes = [];
        fixed (byte* bytes = request.Finish())
        {
            if (Libc.send(_socket, bytes, (nuint)BinaryPrimitives.ReadInt32LittleEndian(new ReadOnlySpan<byte>(bytes, 4)), 0) < 0)
            {
                throw Descriptors.Failure("The kernel was not asked for its routes");
            }
        }

        byte[] buffer = new byte[65536];
        while (true)
        {
            nint length;
            fixed (byte* bytes = buffer)
            {
                length = Libc.recv(_socket, bytes, (nuint)buffer.Length, 0);
            }

            if (length < 0)
            {
                throw Descriptors.Failure("The kernel did not tell its routes");
            }

            if (!Collect(buffer.AsSpan(0, (int)length), family, table, ours, routes))
            {
                return routes.Count <= most ? routes
                    : throw new CulvertException(FailureKind.LimitReached, $"This machine has {routes.Count} routes of its own; more than {most} are too many to tell the firewall.");
            }
        }
    }

    /// <summary>Takes the routes out of one answer; false when the list is complete.</summary>
    private static bool Collect(ReadOnlySpan<byte> messages, AddressFamily family, uint table, bool ours, List<TableRoute> routes)
    {
        while (messages.Length >= 16)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(messages);
            ushort type = BinaryPrimitives.ReadUInt16LittleEndian(messages[4..]);
            if (length < 16 || length > messages.Length || type is 2 /* NLMSG_ERROR */ or 3 /* NLMSG_DONE */)
            {
                return false;
            }

            if (type == NewRoute && length >= 28 && Read(messages[16..length], family, ours, out TableRoute route) && route.Table == table)
            {
                routes.Add(route);
            }

            messages = messages[Math.Min((length + 3) & ~3, messages.Length)..];
        }

        return true;
    }

    private static bool Read(ReadOnlySpan<byte> message, AddressFamily family, bool ours, out TableRoute route)
    {
        byte[] address = new byte[family == AddressFamily.InterNetwork ? 4 : 16];
        uint table = message[4];
        uint outgoing = 0;
        route = default;
        if (message[0] != Family(family) || message[7] is not (Unicast or Throw) || (ours && message[5] != Protocol) || message[1] > address.Length * 8)
        {
            return false;
        }

        ReadOnlySpan<byte> attributes = message[12..];
        while (attributes.Length >= 4)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(attributes);
            if (length < 4 || length > attributes.Length)
            {
                return false;
            }

            ReadOnlySpan<byte> value = attributes[4..length];
            switch (BinaryPrimitives.ReadUInt16LittleEndian(attributes[2..]))
            {
                case 1 /* RTA_DST */ when value.Length == address.Length:
                    value.CopyTo(address);
                    break;
                case 4 /* RTA_OIF */ when value.Length == 4 && message[7] == Unicast:
                    outgoing = BinaryPrimitives.ReadUInt32LittleEndian(value);
                    break;
                case 15 /* RTA_TABLE */ when value.Length == 4:
                    table = BinaryPrimitives.ReadUInt32LittleEndian(value);
                    break;
            }

            attributes = attributes[Math.Min((length + 3) & ~3, attributes.Length)..];
        }

        route = new TableRoute(table, new IPNetwork(new IPAddress(address), message[1]), outgoing);
        return true;
    }

    private static ReadOnlySpan<byte> Route(Span<byte> buffer, ushort type, ushort flags, TableRoute route)
    {
        AddressFamily family = route.Destination.BaseAddress.AddressFamily;
        Span<byte> body = stackalloc byte[12];
        body[0] = Family(family);
        body[1] = (byte)route.Destination.PrefixLength;
        body[5] = Protocol;
        body[6] = family == AddressFamily.InterNetwork && route.Interface != 0 ? ScopeLink : ScopeGlobal;
        body[7] = route.Interface == 0 ? Throw : Unicast;
        NetlinkRequest request = new(buffer, type, flags, body);
        request.Attribute(15 /* RTA_TABLE */, route.Table);
        request.Attribute(1 /* RTA_DST */, route.Destination.BaseAddress.GetAddressBytes());
        if (route.Interface != 0)
        {
            request.Attribute(4 /* RTA_OIF */, route.Interface);
        }

        return request.Finish();
    }
}
