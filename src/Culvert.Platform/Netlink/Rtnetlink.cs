using System;
using System.Buffers.Binary;
using System.Net.Sockets;
using Culvert.Core;
using Culvert.Platform.Channel;
using Culvert.Platform.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Netlink;

/// <summary>
/// Configures interfaces of the caller's network namespace over rtnetlink (rtnetlink(7)); what `ip link`, `ip address` and `ip route` do.
/// Failures are Privilege or Configuration, with the kernel's reason.
/// </summary>
internal sealed unsafe partial class Rtnetlink : IDisposable
{
    /// <summary>The mark of what is ours among routes and rules (rtnetlink(7), rtm_protocol): a number that no routing program of iproute2's list has.</summary>
    public const byte Protocol = 197;

    /// <summary>The table that the machine's own routes are in.</summary>
    public const uint MainTable = 254;

    private const ushort NewLink = 16;
    private const ushort NewAddress = 20;
    private const ushort DeleteAddress = 21;
    private const ushort NewRoute = 24;
    private const ushort DeleteRoute = 25;
    private const ushort GetRoute = 26;
    private const ushort NewRule = 32;
    private const ushort DeleteRule = 33;
    private const ushort Replace = 0x100;
    private const ushort Dump = 0x300;
    private const ushort Create = 0x400;
    private const ushort Exclusive = 0x200;
    private const uint InterfaceUp = 1;
    private const byte ScopeGlobal = 0;
    private const byte ScopeLink = 253;
    private const byte BootProtocol = 3;
    private const byte Unicast = 1;
    private const uint NoDuplicateDetection = 0x02;
    private readonly SafeFileHandle _socket;

    public Rtnetlink()
    {
        _socket = Descriptors.Own(Libc.socket(Libc.AF_NETLINK, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC, Libc.NETLINK_ROUTE), "The network cannot be configured (netlink)");
        int on = 1;
        _ = Libc.setsockopt(_socket, Libc.SOL_NETLINK, Libc.NETLINK_CAP_ACK, &on, sizeof(int)); // shorter answers; kernels without it send longer ones
    }

    /// <summary>The number of an interface of this namespace.</summary>
    public static uint Index(string name)
    {
        uint index = Libc.if_nametoindex(name);
        return index != 0 ? index : throw Descriptors.Failure($"There is no network interface {name}");
    }

    /// <summary>Sets the largest packet, and keeps the kernel from making up an IPv6 address of its own for the interface.</summary>
    public void Prepare(uint index, int mtu, bool v6)
    {
        NetlinkRequest request = Link(stackalloc byte[128], index, 0, 0);
        request.Attribute(4 /* IFLA_MTU */, (uint)mtu);
        if (v6)
        {
            int families = request.Open(26 /* IFLA_AF_SPEC */);
            int family = request.Open(Libc.AF_INET6);
            request.Attribute(8 /* IFLA_INET6_ADDR_GEN_MODE */, [1 /* IN6_ADDR_GEN_MODE_NONE */]);
            request.Close(family);
            request.Close(families);
        }

        Send(request.Finish(), $"an MTU of {mtu}");
    }

    /// <summary>Switches the interface on.</summary>
    public void Up(uint index) => Send(Link(stackalloc byte[64], index, InterfaceUp, InterfaceUp).Finish(), "an interface that is up");

    /// <summary>Gives the interface an address, usable at once (no duplicate address detection).</summary>
    public void AddAddress(uint index, LinkAddress address) => Send(Address(stackalloc byte[128], NewAddress, Create | Exclusive, index, address), $"the address {address}");

    /// <summary>Takes an address off the interface.</summary>
    public void RemoveAddress(uint index, LinkAddress address) => Send(Address(stackalloc byte[128], DeleteAddress, 0, index, address), $"the end of the address {address}", Errno.EADDRNOTAVAIL);

    private static ReadOnlySpan<byte> Address(Span<byte> buffer, ushort type, ushort flags, uint index, LinkAddress address)
    {
        Span<byte> body = stackalloc byte[8];
        body[0] = Family(address.Address.AddressFamily);
        body[1] = (byte)address.PrefixLength;
        body[3] = ScopeGlobal;
        BinaryPrimitives.WriteUInt32LittleEndian(body[4..], index);
        NetlinkRequest request = new(buffer, type, flags, body);
        byte[] bytes = address.Address.GetAddressBytes();
        request.Attribute(2 /* IFA_LOCAL */, bytes);
        request.Attribute(1 /* IFA_ADDRESS */, bytes);
        request.Attribute(8 /* IFA_FLAGS */, NoDuplicateDetection);
        return request.Finish();
    }

    /// <summary>Sends everything that has no better route to the interface.</summary>
    public void AddDefaultRoute(uint index, AddressFamily family)
    {
        Span<byte> body = stackalloc byte[12];
        body[0] = Family(family);
        body[4] = (byte)MainTable;
        body[5] = BootProtocol;
        body[6] = family == AddressFamily.InterNetwork ? ScopeLink : ScopeGlobal;
        body[7] = Unicast;
        NetlinkRequest request = new(stackalloc byte[64], NewRoute, Create | Exclusive, body);
        request.Attribute(4 /* RTA_OIF */, index);
        Send(request.Finish(), family == AddressFamily.InterNetwork ? "the default route for IPv4" : "the default route for IPv6");
    }

    public void Dispose() => _socket.Dispose();

    private static byte Family(AddressFamily family) => family == AddressFamily.InterNetwork ? (byte)Libc.AF_INET : (byte)Libc.AF_INET6;

    private static NetlinkRequest Link(Span<byte> buffer, uint index, uint flags, uint change)
    {
        Span<byte> body = stackalloc byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(body[4..], index);
        BinaryPrimitives.WriteUInt32LittleEndian(body[8..], flags);
        BinaryPrimitives.WriteUInt32LittleEndian(body[12..], change);
        return new NetlinkRequest(buffer, NewLink, 0, body);
    }

    private void Send(ReadOnlySpan<byte> request, string what, int harmless = 0)
    {
        fixed (byte* bytes = request)
        {
            if (Libc.send(_socket, bytes, (nuint)request.Length, 0) < 0)
            {
                throw Descriptors.Failure($"The kernel was not asked for {what}");
            }
        }

        // nlmsghdr (16 bytes), then nlmsgerr: the error, negative, 0 for an acknowledgement.
        Span<byte> answer = stackalloc byte[1024];
        nint length;
        fixed (byte* bytes = answer)
        {
            length = Libc.recv(_socket, bytes, (nuint)answer.Length, 0);
        }

        if (length < 20 || BinaryPrimitives.ReadUInt16LittleEndian(answer[4..]) != 2 /* NLMSG_ERROR */)
        {
            throw new CulvertException(FailureKind.Bug, $"The kernel's answer to a request for {what} makes no sense.");
        }

        int error = -BinaryPrimitives.ReadInt32LittleEndian(answer[16..]);
        if (error != 0 && error != harmless)
        {
            FailureKind kind = error is Errno.EPERM or Errno.EACCES ? FailureKind.Privilege : FailureKind.Configuration;
            throw new CulvertException(kind, $"The kernel refused {what}: {Errno.Text(error)}.");
        }
    }
}
