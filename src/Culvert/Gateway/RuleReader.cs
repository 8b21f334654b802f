using System;
using System.Collections.Generic;
using System.Globalization;
using Culvert.Core;

namespace Culvert.Gateway;

/// <summary>
/// Reads rules as people write them: <c>WHAT[:PORT[-PORT]][/tcp|/udp|/ping]</c>, several with commas between. WHAT is an address, a range (<c>10.0.0.0/8</c>), a host
/// name, <c>*.domain</c> (the hosts below it), or <c>*</c>; an IPv6 address or range with a port stands in brackets (<c>[fd00::/8]:443</c>).
/// </summary>
internal sealed class RuleReader
{
    private readonly string _text;
    private readonly string _where;
    private readonly FailureKind _kind;

    private RuleReader(string text, string where, FailureKind kind)
    {
        _text = text;
        _where = where;
        _kind = kind;
    }

    /// <summary>Reads the value of an option of the command line, <c>--allow</c> or <c>--deny</c>.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Usage"/>: what is wrong, and where.</exception>
    public static IReadOnlyList<PolicyRule> ReadOption(bool allows, string text) =>
        new RuleReader(text, allows ? "--allow" : "--deny", FailureKind.Usage).ReadList(allows, 0);

    /// <summary>Reads a file of rules: a line is <c>allow RULES</c> or <c>deny RULES</c>, or empty; behind a # stands a comment.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: what is wrong, in which line, and where.</exception>
    public static IReadOnlyList<PolicyRule> ReadFile(string path, string text)
    {
        List<PolicyRule> rules = [];
        int number = 0;
        foreach (ReadOnlySpan<char> each in text.AsSpan().EnumerateLines())
        {
            number++;
            int comment = each.IndexOf('#');
            string line = (comment < 0 ? each : each[..comment]).TrimEnd().ToString();
            if (line.Length > 0)
            {
                rules.AddRange(new RuleReader(line, $"{path}:{number}", FailureKind.Configuration).ReadLine());
            }
        }

        return rules;
    }

    private List<PolicyRule> ReadLine()
    {
        int start = _text.Length - _text.AsSpan().TrimStart().Length;
        int space = _text.AsSpan(start).IndexOfAny(' ', '\t');
        int end = space < 0 ? _text.Length : start + space;
        return _text.AsSpan(start, end - start) switch
        {
            "allow" => ReadList(allows: true, end),
            "deny" => ReadList(allows: false, end),
            _ => throw Wrong(start, "a line begins with 'allow' or 'deny'"),
        };
    }

    private List<PolicyRule> ReadList(bool allows, int at)
    {
        List<PolicyRule> rules = [];
        foreach (Range part in _text.AsSpan(at).Split(','))
        {
            ReadOnlySpan<char> padded = _text.AsSpan(at)[part];
            int start = at + part.Start.Value + padded.Length - padded.TrimStart().Length;
            rules.Add(ReadRule(allows, start, padded.Trim().Length));
        }

        return rules;
    }

    private PolicyRule ReadRule(bool allows, int start, int length)
    {
        ReadOnlySpan<char> text = _text.AsSpan(start, length);
        PolicyRule rule = new() { Allows = allows, Text = $"{(allows ? "allow" : "deny")} {text}" };
        int slash = text.LastIndexOf('/');
        if (slash >= 0 && slash + 1 < text.Length && char.IsAsciiLetter(text[slash + 1]))
        {
            rule = rule with { Protocol = ReadProtocol(start + slash + 1, text[(slash + 1)..]) };
            text = text[..slash];
        }

        int colon = PortColon(text);
        if (colon >= 0)
        {
            if (rule.Protocol == PolicyProtocol.Ping)
            {
                throw Wrong(start + colon, "ping has no ports");
            }

            (ushort first, ushort last) = ReadPorts(start + colon + 1, text[(colon + 1)..]);
            rule = rule with { FirstPort = first, LastPort = last };
            text = text[..colon];
        }

        return ReadWhat(rule, start, text);
    }

    // The colon before the ports: behind the bracket of an IPv6 address, or the only one there is.
    private static int PortColon(ReadOnlySpan<char> text)
    {
        int colon = text.LastIndexOf(':');
        bool isV6 = text.Count(':') > 1 && !text.Contains(']');
        return isV6 || colon < text.IndexOf(']') ? -1 : colon;
    }

    private PolicyProtocol ReadProtocol(int at, ReadOnlySpan<char> text) => text switch
    {
        "tcp" => PolicyProtocol.Tcp,
        "udp" => PolicyProtocol.Udp,
        "ping" => PolicyProtocol.Ping,
        _ => throw Wrong(at, "the protocols are tcp, udp and ping"),
    };

    private (ushort First, ushort Last) ReadPorts(int at, ReadOnlySpan<char> text)
    {
        int hyphen = text.IndexOf('-');
        ushort first = ReadPort(at, hyphen < 0 ? text : text[..hyphen]);
        ushort last = hyphen < 0 ? first : ReadPort(at + hyphen + 1, text[(hyphen + 1)..]);
        return first <= last ? (first, last) : throw Wrong(at, "the first port of a range is the lower one");
    }

    private ushort ReadPort(int at, ReadOnlySpan<char> text) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port > 0 ? port : throw Wrong(at, "a port is a number from 1 to 65535");

    private PolicyRule ReadWhat(PolicyRule rule, int at, ReadOnlySpan<char> text)
    {
        if (text.SequenceEqual("*"))
        {
            return rule;
        }

        if (text.StartsWith("*.") && HostNames.IsValid(text[2..]))
        {
            return rule with { Domain = text[1..].ToString().ToLowerInvariant() };
        }

        if (text.StartsWith('[') && text.EndsWith(']'))
        {
            at++;
            text = text[1..^1];
        }

        // No name ends in a number (RFC 3696 section 2): such a thing is meant as an address, as what has a colon or a slash is.
        bool isAddress = text.ContainsAny(':', '/') || (!text.IsEmpty && char.IsAsciiDigit(text[^1]) && !text[(text.LastIndexOf('.') + 1)..].ContainsAnyExceptInRange('0', '9'));
        if (isAddress)
        {
            return AddressRange.TryParse(text, out AddressRange range, out string wrong, out int column) ? rule with { Range = range } : throw Wrong(at + column, wrong);
        }

        return HostNames.IsValid(text)
            ? rule with { Name = text.ToString().ToLowerInvariant() }
            : throw Wrong(at, text.IsEmpty ? "here stands no rule" : "this is no address, range, host name, *.domain or *");
    }

    private CulvertException Wrong(int at, string what) => new(_kind, $"{_where}: {what}:\n    {_text}\n    {new string(' ', at)}^");
}
