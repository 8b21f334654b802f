using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Platform.Channel;
using Culvert.Platform.Linux;

namespace Culvert.Tests.Probe;

/// <summary>
/// The engine of a tunnel without supervision: it does what its input says, line by line, says how each went, and answers pings that come into the link.
/// Lines: <c>open NAME</c>, <c>set WORD…</c>, <c>give-back</c>; its input's end is its own.
/// </summary>
internal static class TunnelEngine
{
    public const string Verb = "engine";
    public const string HelperVerb = "tunnel";

    public static async Task<int> RunAsync(string journals, string helperPath)
    {
        TunnelHelper? helper = null;
        bool ended = false;
        while (await Console.In.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            try
            {
                IReadOnlyList<string> notes = [];
                switch (words[0])
                {
                    case "open":
                        helper = await TunnelHelper.OpenAsync(new TunnelHelperOptions { Link = words[1], Journals = journals, HelperPath = helperPath, EngineAccount = null, Queues = 1 }).ConfigureAwait(false);
                        Thread answering = new(() => EchoAnswers.Give(helper.Link, () => Volatile.Read(ref ended))) { IsBackground = true };
                        answering.Start();
                        break;
                    case "set":
                        notes = await helper!.SetAsync(State(words[1..])).ConfigureAwait(false);
                        break;
                    case "give-back":
                        notes = await helper!.GiveBackAsync().ConfigureAwait(false);
                        break;
                }

                await Console.Out.WriteLineAsync($"{words[0]}: done{string.Concat(notes.Select(note => " | " + note))}").ConfigureAwait(false);
            }
            catch (CulvertException failure)
            {
                await Console.Out.WriteLineAsync($"{words[0]}: {failure.Kind}: {failure.Message}").ConfigureAwait(false);
            }
        }

        Volatile.Write(ref ended, true);
        if (helper is not null)
        {
            await helper.DisposeAsync().ConfigureAwait(false);
        }

        return 0;
    }

    private static TunnelState State(string[] words)
    {
        TunnelState state = new();
        foreach (string word in words)
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            string value = word[(equals + 1)..];
            state = word[..(equals < 0 ? word.Length : equals)] switch
            {
                "outside" => state with { Outside = [.. state.Outside, Bypass(value)] },
                "engine-outside" => state with { EngineOutside = [.. state.EngineOutside, Bypass(value)] },
                "direct" => state with { EngineOutside = Platform.Channel.Bypass.Everywhere },
                "inside" => state with { Inside = [.. state.Inside == TunnelState.Everything ? [] : state.Inside, IPNetwork.Parse(value)] },
                "address" => state with { Addresses = [new LinkAddress(IPAddress.Parse(value), 32)] },
                "no-lan" => state with { Lan = false },
                "no-ipv6" => state with { Ipv6 = false },
                "no-dns" => state with { CaptureDns = false },
                "kill-switch" => state with { KillSwitch = true },
                "captive" => state with { CaptiveUntil = DateTimeOffset.UtcNow.AddSeconds(int.Parse(value, CultureInfo.InvariantCulture)) },
                "user" => state with { User = uint.Parse(value, CultureInfo.InvariantCulture) },
                "group" => state with { Group = uint.Parse(value, CultureInfo.InvariantCulture) },
                _ => throw new ArgumentException(word),
            };
        }

        return state;
    }

    /// <summary><c>NETWORK</c>, or <c>NETWORK,6,PORT</c>.</summary>
    private static Bypass Bypass(string text)
    {
        string[] parts = text.Split(',');
        return new Bypass(
            IPNetwork.Parse(parts[0]),
            parts.Length > 1 ? byte.Parse(parts[1], CultureInfo.InvariantCulture) : (byte)0,
            parts.Length > 2 ? ushort.Parse(parts[2], CultureInfo.InvariantCulture) : (ushort)0);
    }
}
