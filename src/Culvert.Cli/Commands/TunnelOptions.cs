using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using Culvert.Cli.Profiles;
using Culvert.Core;
using Culvert.Exits;
using Culvert.Names;
using Culvert.Trust;
using Culvert.Tunnel;

namespace Culvert.Cli.Commands;

/// <summary>The options of <c>up</c>, and how they become settings: what the command line says goes before what the profile says; lists are joined.</summary>
internal static class TunnelOptions
{
    private const int MaximumMtu = 65_535;

    public static Argument<string?> ExitOrProfile { get; } = new("EXIT")
    {
        Description = "Where the traffic leaves: a URI, the name of a profile, or of a paired gateway (direct: when left out)",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public static Option<string?> Name { get; } = new("--name")
    {
        Description = "Which tunnel: its link is culvert-NAME (culvert0 when left out); up to 7 letters, digits and dashes",
        HelpName = "NAME",
    };

    public static Option<string[]> Exclude { get; } = new("--exclude")
    {
        Description = "Reach this network, or this domain and all below it, outside the tunnel; may be repeated",
        HelpName = "CIDR|DOMAIN",
    };

    public static Option<string[]> Include { get; } = new("--include")
    {
        Description = "Only this network goes into the tunnel; may be repeated",
        HelpName = "CIDR",
    };

    public static Option<bool> NoLan { get; } = new("--no-lan") { Description = "The neighbourhood is not reached directly either" };

    public static Option<string?> IPv6 { get; } = new("--ipv6")
    {
        Description = "auto: carried, and refused at once where the exit cannot; block: refused",
        HelpName = "auto|block",
    };

    public static Option<bool> KillSwitch { get; } = new("--kill-switch") { Description = "Nothing leaves even when everything of Culvert dies, until down or cleanup" };

    public static Option<int?> Captive { get; } = new("--captive")
    {
        Description = "Everything goes outside for so many minutes first, to answer a portal (1 to 60)",
        HelpName = "MINUTES",
    };

    public static Option<string?> User { get; } = new("--user") { Description = "Only this user's traffic", HelpName = "USER" };

    public static Option<string?> Group { get; } = new("--group") { Description = "Only this group's traffic", HelpName = "GROUP" };

    public static Option<string?> Dns { get; } = new("--dns")
    {
        Description = RunCommand.DnsDescription,
        HelpName = RunCommand.DnsChoices,
    };

    public static Option<int?> Mtu { get; } = new("--mtu") { Description = "Largest packet of the link in bytes (1280 to 65535; 1500 when left out)", HelpName = "BYTES" };

    /// <summary>The link that <c>--name</c> means.</summary>
    public static string LinkOf(ParseResult parsed)
    {
        string? name = parsed.GetValue(Name);
        if (name is null)
        {
            return Platform.Linux.TunnelHelperOptions.DefaultLink;
        }

        return name.Length is >= 1 and <= 7 && name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-')
            ? Platform.Linux.TunnelHelperOptions.LinkPrefix + name
            : throw new CulvertException(FailureKind.Usage, $"--name '{name}': a name is 1 to 7 letters, digits and dashes.");
    }

    /// <summary>All of it as settings.</summary>
    /// <exception cref="CulvertException">Usage or Configuration, with what to write instead.</exception>
    public static TunnelSettings Read(ParseResult parsed)
    {
        string exit = parsed.GetValue(ExitOrProfile) ?? "direct:";
        Profile? profile = null;
        string there = "";
        bool isProfile = ProfileFile.IsName(exit) && ProfileFile.TryFind(exit, ProfileFile.Paths, out profile, out there);
        profile ??= new Profile { Uri = exit };
        (ExitUri uri, Identity? identity) = Known(ExitUri.Parse(profile.Uri), isProfile || there.Length == 0 ? "" : $" There is no such profile either ({there}).");
        ExitUri? via = (parsed.GetValue(CommonOptions.Via) ?? profile.Via) is { } text ? ExitUri.Parse(text) : null;
        ChosenExit.RequireProxy(uri, via);
        (List<IPNetwork> networks, List<string> domains) = Split([.. profile.Exclude, .. parsed.GetValue(Exclude) ?? []]);
        IPNetwork[] include = [.. profile.Include.Concat(parsed.GetValue(Include) ?? []).Select(static cidr => Network("--include", cidr))];
        if (Math.Max(Math.Max(networks.Count, domains.Count), include.Length) > TunnelSettings.MaxEntries)
        {
            throw new CulvertException(FailureKind.Usage, $"At most {TunnelSettings.MaxEntries} networks and domains each may be excluded or included.");
        }

        int mtu = parsed.GetValue(Mtu) ?? profile.Mtu ?? 1500;
        if (mtu is < TunnelSettings.SmallestMtu or > MaximumMtu)
        {
            throw new CulvertException(FailureKind.Usage, $"--mtu {mtu} is out of range; give 1280 (the least IPv6 allows) to 65535.");
        }

        if (parsed.GetValue(Captive) is not (null or (>= 1 and <= 60)))
        {
            throw new CulvertException(FailureKind.Usage, "--captive takes 1 to 60 minutes.");
        }

        string? user = parsed.GetValue(User) ?? profile.User;
        string? group = parsed.GetValue(Group) ?? profile.Group;
        if (user is not null && group is not null)
        {
            throw new CulvertException(FailureKind.Usage, "--user and --group do not go together.");
        }

        return new TunnelSettings
        {
            Exit = uri,
            Identity = identity,
            Via = via,
            Names = NamesPolicy.Parse(parsed.GetValue(Dns) ?? profile.Dns ?? "auto"),
            Link = LinkOf(parsed),
            Mtu = mtu,
            Exclude = networks,
            ExcludeDomains = domains,
            Include = include,
            Lan = !parsed.GetValue(NoLan) && profile.Lan != false,
            IPv6 = (parsed.GetValue(IPv6) ?? profile.IPv6 ?? "auto") switch
            {
                "auto" => true,
                "block" => false,
                string other => throw new CulvertException(FailureKind.Usage, $"--ipv6 takes auto or block, not '{other}'."),
            },
            KillSwitch = parsed.GetValue(KillSwitch) || profile.KillSwitch == true,
            Captive = TimeSpan.FromMinutes(parsed.GetValue(Captive) ?? 0),
            User = user is null ? null : Id("--user", user, "/etc/passwd"),
            Group = group is null ? null : Id("--group", group, "/etc/group"),
            PostUp = profile.PostUp,
            PreDown = profile.PreDown,
        };
    }

    private static (ExitUri Exit, Identity? Identity) Known(ExitUri uri, string addition)
    {
        try
        {
            return OwnKeys.Complete(uri);
        }
        catch (CulvertException e) when (addition.Length > 0 && e.Kind == FailureKind.Configuration)
        {
            throw new CulvertException(e.Kind, e.Message + addition, e);
        }
    }

    private static (List<IPNetwork> Networks, List<string> Domains) Split(IEnumerable<string> excluded)
    {
        List<IPNetwork> networks = [];
        List<string> domains = [];
        foreach (string text in excluded)
        {
            bool looksLikeAddress = text.Contains(':', StringComparison.Ordinal) || text.Contains('/', StringComparison.Ordinal) || text.All(static c => char.IsAsciiDigit(c) || c == '.');
            if (looksLikeAddress)
            {
                networks.Add(Network("--exclude", text));
            }
            else if (Uri.CheckHostName(text.TrimEnd('.')) == UriHostNameType.Dns)
            {
                domains.Add(text.TrimEnd('.'));
            }
            else
            {
                throw new CulvertException(FailureKind.Usage, $"--exclude '{text}' is neither a network like 10.0.0.0/8 nor a domain like example.com.");
            }
        }

        return (networks, domains);
    }

    private static IPNetwork Network(string option, string text)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        string address = slash < 0 ? text : text[..slash];
        if (!IPAddress.TryParse(address, out IPAddress? parsed) || (!address.Contains(':', StringComparison.Ordinal) && address.Split('.').Length != 4))
        {
            throw new CulvertException(FailureKind.Usage, $"{option} '{text}': '{address}' is no address. Write a network like 10.0.0.0/8 or 2001:db8::/32.");
        }

        byte[] bytes = parsed.GetAddressBytes();
        int length = bytes.Length * 8;
        if (slash >= 0 && (!int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > bytes.Length * 8))
        {
            throw new CulvertException(FailureKind.Usage, $"{option} '{text}': behind the slash stands 0 to {bytes.Length * 8}.");
        }

        // Bits behind the prefix are cleared, as people write their own address with the network's length.
        for (int bit = length; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        return new IPNetwork(new IPAddress(bytes), length);
    }

    private static uint Id(string option, string text, string file)
    {
        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint id))
        {
            return id;
        }

        string[]? entry = File.Exists(file) ? File.ReadLines(file).Select(static line => line.Split(':')).FirstOrDefault(fields => fields.Length > 2 && fields[0] == text) : null;
        return entry is not null && uint.TryParse(entry[2], CultureInfo.InvariantCulture, out id)
            ? id
            : throw new CulvertException(FailureKind.Usage, $"{option} '{text}': there is no such name on this machine; a number is taken as well.");
    }
}
