using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using Culvert.Platform.Channel;

namespace Culvert.Platform.Linux;

/// <summary>What the engine asks the helper for with the verb `confine`: both sides of that command line.</summary>
internal sealed record ConfinementRequest
{
    /// <summary>The helper's verb.</summary>
    public const string Verb = "confine";

    /// <summary>Descriptor of the helper's end of the channel.</summary>
    public required int Channel { get; init; }

    /// <summary>Descriptor that becomes the command's standard error; -1 when the caller has none.</summary>
    public required int StandardError { get; init; }

    /// <summary>Process of the engine.</summary>
    public required int Engine { get; init; }

    /// <summary>MTU of the link.</summary>
    public required int Mtu { get; init; }

    /// <summary>The link has offloads.</summary>
    public bool Offloads { get; init; }

    /// <summary>Queues of the link.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>The namespaces belong to a user namespace: the command gets none of its powers.</summary>
    public bool UserNamespace { get; init; }

    /// <summary>How many files the command may have open, when the runtime has raised the caller's limit; else -1.</summary>
    public long OpenFiles { get; init; } = -1;

    /// <summary>Addresses of the link.</summary>
    public IReadOnlyList<LinkAddress> Addresses { get; init; } = [];

    /// <summary>The command's resolvers.</summary>
    public IReadOnlyList<IPAddress> Resolvers { get; init; } = [];

    /// <summary>The command and its arguments.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>The arguments that say it, up to the command's own.</summary>
    public IEnumerable<string> Arguments
    {
        get
        {
            yield return Verb;
            yield return Pair("channel", Channel);
            yield return Pair("stderr", StandardError);
            yield return Pair("engine", Engine);
            yield return Pair("mtu", Mtu);
            yield return Pair("offloads", Offloads ? 1 : 0);
            yield return Pair("queues", Queues);
            yield return Pair("user-namespace", UserNamespace ? 1 : 0);
            yield return Pair("open-files", OpenFiles);
            foreach (LinkAddress address in Addresses)
            {
                yield return $"address={address}";
            }

            foreach (IPAddress resolver in Resolvers)
            {
                yield return $"resolver={resolver}";
            }

            yield return "--";
        }
    }

    /// <summary>Reads the helper's arguments, <see cref="Verb"/> first; false when they are not an engine's.</summary>
    public static bool TryParse(string[] arguments, [NotNullWhen(true)] out ConfinementRequest? request)
    {
        request = null;
        int separator = Array.IndexOf(arguments, "--");
        if (separator < 1 || separator == arguments.Length - 1 || arguments[0] != Verb)
        {
            return false;
        }

        Dictionary<string, long> numbers = [];
        List<LinkAddress> addresses = [];
        List<IPAddress> resolvers = [];
        foreach (string argument in arguments.AsSpan(1, separator - 1))
        {
            int equals = argument.IndexOf('=', StringComparison.Ordinal);
            string name = argument[..Math.Max(equals, 0)];
            string value = argument[(equals + 1)..];
            int slash = value.IndexOf('/', StringComparison.Ordinal);
            if (name == "resolver" && IPAddress.TryParse(value, out IPAddress? resolver))
            {
                resolvers.Add(resolver);
            }
            else if (name == "address" && slash > 0 && IPAddress.TryParse(value.AsSpan(0, slash), out IPAddress? address)
                && byte.TryParse(value.AsSpan(slash + 1), CultureInfo.InvariantCulture, out byte length))
            {
                addresses.Add(new LinkAddress(address, length));
            }
            else if (long.TryParse(value, CultureInfo.InvariantCulture, out long number))
            {
                numbers[name] = number;
            }
            else
            {
                return false;
            }
        }

        foreach (string required in (ReadOnlySpan<string>)["channel", "stderr", "engine", "mtu", "offloads", "queues", "user-namespace", "open-files"])
        {
            if (!numbers.ContainsKey(required))
            {
                return false;
            }
        }

        request = new ConfinementRequest
        {
            Channel = (int)numbers["channel"],
            StandardError = (int)numbers["stderr"],
            Engine = (int)numbers["engine"],
            Mtu = (int)numbers["mtu"],
            Offloads = numbers["offloads"] != 0,
            Queues = (int)numbers["queues"],
            UserNamespace = numbers["user-namespace"] != 0,
            OpenFiles = numbers["open-files"],
            Addresses = addresses,
            Resolvers = resolvers,
            Command = arguments[(separator + 1)..],
        };
        return true;
    }

    private static string Pair(string name, long value) => string.Create(CultureInfo.InvariantCulture, $"{name}={value}");
}
