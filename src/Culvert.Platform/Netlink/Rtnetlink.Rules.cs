using System;
using System.Buffers.Binary;
using System.Text;
using Culvert.Platform.Interop;

namespace Culvert.Platform.Netlink;

/// <content>Policy rules (linux/fib_rules.h); what `ip rule` does.</content>
internal sealed unsafe partial class Rtnetlink
{
    private const byte ToTable = 1;

    /// <summary>Adds a rule of ours; one that is there already is the same one.</summary>
    public void AddRule(PolicyRule rule) => Send(Rule(stackalloc byte[256], NewRule, Create | Exclusive, rule), $"the rule {rule}", Errno.EEXIST);

    /// <summary>Removes a rule of ours; nothing when it is not there.</summary>
    public void RemoveRule(PolicyRule rule) => Send(Rule(stackalloc byte[256], DeleteRule, 0, rule), $"the end of the rule {rule}", Errno.ENOENT);

    private static ReadOnlySpan<byte> Rule(Span<byte> buffer, ushort type, ushort flags, PolicyRule rule)
    {
        Span<byte> body = stackalloc byte[12];
        body[0] = Family(rule.Family);
        body[1] = (byte)(rule.To?.PrefixLength ?? 0);
        body[7] = ToTable;
        NetlinkRequest request = new(buffer, type, flags, body);
        request.Attribute(6 /* FRA_PRIORITY */, rule.Priority);
        request.Attribute(15 /* FRA_TABLE */, rule.Table);
        request.Attribute(21 /* FRA_PROTOCOL */, [Protocol]);
        if (rule.To is { } to)
        {
            request.Attribute(1 /* FRA_DST */, to.BaseAddress.GetAddressBytes());
        }

        if (rule.Incoming is { } name)
        {
            request.Attribute(3 /* FRA_IIFNAME */, [.. Encoding.ASCII.GetBytes(name), 0]);
        }

        if (rule.Protocol != 0)
        {
            request.Attribute(22 /* FRA_IP_PROTO */, [rule.Protocol]);
        }

        if (rule.SourcePort != 0)
        {
            request.Attribute(23 /* FRA_SPORT_RANGE */, Range(stackalloc byte[4], rule.SourcePort));
        }

        if (rule.Port != 0)
        {
            request.Attribute(24 /* FRA_DPORT_RANGE */, Range(stackalloc byte[4], rule.Port));
        }

        if (rule.MarkMask != 0)
        {
            request.Attribute(10 /* FRA_FWMARK */, rule.Mark);
            request.Attribute(16 /* FRA_FWMASK */, rule.MarkMask);
        }

        if (rule.User is { } user)
        {
            Span<byte> users = stackalloc byte[8];
            BinaryPrimitives.WriteUInt32LittleEndian(users, user);
            BinaryPrimitives.WriteUInt32LittleEndian(users[4..], user);
            request.Attribute(20 /* FRA_UID_RANGE */, users);
        }

        if (rule.SuppressedPrefix >= 0)
        {
            request.Attribute(14 /* FRA_SUPPRESS_PREFIXLEN */, (uint)rule.SuppressedPrefix);
        }

        return request.Finish();
    }

    /// <summary>struct fib_rule_port_range.</summary>
    private static Span<byte> Range(Span<byte> buffer, ushort port)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(buffer, port);
        BinaryPrimitives.WriteUInt16LittleEndian(buffer[2..], port);
        return buffer;
    }
}
