using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using Culvert.Core;
using Culvert.Platform.Channel;
using Culvert.Platform.Interop;
using Culvert.Platform.Linux;
using Culvert.Platform.Netlink;
using Culvert.Platform.Undo;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Steering;

/// <summary>
/// The helper in charge of one tunnel: makes the link, hands it out, makes the network what the engine says, keeps the guard true to the machine's own routes,
/// and gives everything back when its channel closes. It believes nothing that the engine says without looking.
/// </summary>
internal sealed class TunnelServant : IDisposable
{
    /// <summary>The helper's verb.</summary>
    public const string Verb = HelperStart.Verb;

    /// <summary>Most addresses of the link.</summary>
    public const int MaximumAddresses = 16;

    private const int ResolverTries = 10;
    private static readonly TimeSpan ResolverPause = TimeSpan.FromMilliseconds(500);

    private readonly HelperChannel _channel;
    private readonly string _journals;
    private readonly Action<string, bool>? _watched;
    private readonly ServantEvents _events;
    private Journal? _journal;
    private Firewall? _firewall;
    private MachineNetwork? _machine;
    private TunnelState? _state;
    private int _resolverTries;

    /// <summary>Serves the engine at the other end of <paramref name="channel"/>.</summary>
    /// <param name="channel">The channel; owned.</param>
    /// <param name="journals">The directory of the journals.</param>
    /// <param name="watched">Called at each line of the journal, before and after it is written; for tests.</param>
    public TunnelServant(HelperChannel channel, string journals, Action<string, bool>? watched = null)
    {
        _channel = channel;
        _journals = journals;
        _watched = watched;
        _events = new ServantEvents(channel.Socket);
    }

    /// <summary>Serves until the engine has gone or wants no more; returns the process's exit code.</summary>
    public int Run()
    {
        bool kill = false;
        try
        {
            while (true)
            {
                switch (_events.Wait(NextChange()))
                {
                    case ServantEvent.Message:
                        HelperMessage? request = _channel.ReceiveRequest(out TunnelState? state);
                        if (request is not { } asked || asked.Kind == HelperMessageKind.GiveBack)
                        {
                            kill = request is not null;
                            return 0;
                        }

                        Answer(asked, state);
                        break;
                    case ServantEvent.Network:
                        Follow();
                        break;
                    case ServantEvent.Resolver:
                        _resolverTries = ResolverTries;
                        FollowResolver();
                        break;
                    case ServantEvent.Time:
                        Follow();
                        FollowResolver();
                        break;
                    default:
                        return 0;
                }
            }
        }
        finally
        {
            List<string> problems = GiveBack(kill);
            _channel.Send(new HelperMessage(HelperMessageKind.Undone, string.Join('\n', problems)));
        }
    }

    public void Dispose()
    {
        _machine?.Dispose();
        _firewall?.Dispose();
        _journal?.Dispose();
        _events.Dispose();
        _channel.Dispose();
    }

    private void Answer(HelperMessage request, TunnelState? state)
    {
        HelperMessage answer;
        SafeFileHandle[] queues = [];
        try
        {
            answer = state is not null ? Set(state)
                : request.Kind == HelperMessageKind.Open ? Open(request, out queues)
                : throw new CulvertException(FailureKind.Bug, $"The engine said {request.Kind}, which is not for it to say.");
        }
        catch (CulvertException failure)
        {
            answer = new HelperMessage(HelperMessageKind.Failed, failure.Message, (int)failure.Kind);
        }

        // The engine alone holds the link from here on, and the guard as well as we do; that it has gone shows at the next message.
        if (queues.Length > 0)
        {
            _channel.Send(new HelperMessage(HelperMessageKind.Guard), _firewall!.Socket);
        }

        for (int i = queues.Length - 1; i > 0; i--)
        {
            _channel.Send(new HelperMessage(HelperMessageKind.Queue), queues[i]);
        }

        _channel.Send(answer, queues.Length > 0 ? queues[0] : null);
        TunDevice.Close(queues);
    }

    private HelperMessage Open(HelperMessage request, out SafeFileHandle[] queues)
    {
        string link = request.Text;
        (int moreQueues, int mtu) = Math.DivRem(request.Number, HelperMessage.MoreQueues);
        if (_machine is not null || !IsLinkName(link) || mtu is < ConfinedCommandOptions.MinimumMtu or > ConfinedCommandOptions.MaximumMtu || moreQueues is < 0 or >= TunDevice.MaxQueues)
        {
            throw new CulvertException(FailureKind.Usage, $"No helper makes a link \"{link}\" with {1 + moreQueues} queues and an MTU of {mtu} (names are {TunnelHelperOptions.DefaultLink} and {TunnelHelperOptions.LinkPrefix}NAME with 1 to 7 letters, digits, dashes).");
        }

        _firewall ??= new Firewall();
        Slot slot;
        using (JournalDirectory directory = new(_journals))
        {
            _journal ??= Journal.TryTake(directory, link, _watched)
                ?? throw new CulvertException(FailureKind.Configuration, $"The tunnel {link} is already up: `culvert status` shows it, `culvert down` ends it.");
            slot = Slot.Free(directory.LinesOfOthers(link));
        }

        CleanUpAfterTheDead(_journal, link);
        _journal.Begin(slot.Step);
        _journal.Begin(slot.NamesStep);
        queues = TunDevice.Create(link, request.Flag, 1 + moreQueues);
        try
        {
            uint index = Rtnetlink.Index(link);
            using Rtnetlink network = new();
            network.Prepare(index, mtu, File.Exists("/proc/net/if_inet6"));
            network.Up(index);
            _machine = new MachineNetwork(link, index, slot, _journal, _firewall);
            return new HelperMessage(HelperMessageKind.Ready, link, mtu, request.Flag);
        }
        catch
        {
            TunDevice.Close(queues);
            throw;
        }
    }

    /// <summary>What a helper of this link left when it died is undone, all but its kill switch: that is replaced when the new guard comes.</summary>
    private void CleanUpAfterTheDead(Journal journal, string link)
    {
        using Undoing undoing = new();
        List<string> problems = undoing.UndoAll(journal, static step => step.Kind == UndoKind.Firewall);
        if (journal.Live.Any(static step => step.Kind != UndoKind.Firewall))
        {
            throw new CulvertException(FailureKind.CleanUpIncomplete, "What an earlier tunnel left could not be undone. " + string.Join(' ', problems));
        }

        if (Libc.if_nametoindex(link) != 0)
        {
            throw new CulvertException(FailureKind.Configuration, $"There is a network interface {link} already, and it is not ours: remove it, or choose another name with --name.");
        }

        if (journal.Live.Count == 0 && _firewall!.Has(link))
        {
            throw new CulvertException(FailureKind.Configuration, $"There is a firewall table inet {link} already, and it is not ours: remove it (sudo nft delete table inet {link}), or choose another name with --name.");
        }
    }

    private HelperMessage Set(TunnelState state)
    {
        MachineNetwork machine = _machine ?? throw new CulvertException(FailureKind.Bug, "The engine wants a network before it has a link.");
        Check(state);
        TunnelState? before = _state;
        try
        {
            List<string> notes = machine.Reach(NetworkPlan.For(state, machine.Place, CaptiveTime(state)));
            _state = state;
            return new HelperMessage(HelperMessageKind.Applied, string.Join('\n', notes));
        }
        catch (CulvertException failure)
        {
            List<string> problems = Return(machine, before);
            throw problems.Count > 0
                ? new CulvertException(FailureKind.CleanUpIncomplete, $"{failure.Message} And the way back failed as well: {string.Join(' ', problems)}", failure)
                : failure.Kind == FailureKind.LimitReached ? failure
                : new CulvertException(FailureKind.ChangeFailed, $"{failure.Message} The network is as it was before.", failure);
        }
    }

    private static List<string> Return(MachineNetwork machine, TunnelState? before)
    {
        if (before is null)
        {
            return machine.Reset();
        }

        try
        {
            return machine.Reach(NetworkPlan.For(before, machine.Place, CaptiveTime(before)));
        }
        catch (CulvertException failure)
        {
            return [failure.Message];
        }
    }

    /// <summary>The engine is not root, so what it asks for must be what it may have.</summary>
    private void Check(TunnelState state)
    {
        uint peer = _channel.PeerUser;
        if (peer != 0 && state.Engine != peer)
        {
            throw new CulvertException(FailureKind.Privilege, $"The engine says that it is user {state.Engine}, and is user {peer}.");
        }

        if (state.User is not null && state.Group is not null)
        {
            throw new CulvertException(FailureKind.Usage, "A tunnel is for one user or for one group, not for both.");
        }

        if (state.Addresses.Count is 0 or > MaximumAddresses || state.Addresses.Any(static address => !IsHost(address.Address)))
        {
            throw new CulvertException(FailureKind.Usage, $"A link has 1 to {MaximumAddresses} addresses that a host can have.");
        }

        if (state.CaptiveUntil - DateTimeOffset.UtcNow > TunnelState.MaximumCaptiveTime + TimeSpan.FromSeconds(5))
        {
            throw new CulvertException(FailureKind.Usage, $"A hole for a captive portal is open for {TunnelState.MaximumCaptiveTime.TotalMinutes:0} minutes at most.");
        }
    }

    private static bool IsHost(IPAddress address)
    {
        byte[] bytes = address.GetAddressBytes();
        return !IPAddress.IsLoopback(address) && !address.IsIPv6Multicast && !address.Equals(IPAddress.IPv6Any)
            && (address.AddressFamily != AddressFamily.InterNetwork || bytes[0] is > 0 and < 224);
    }

    /// <summary>Follows the machine's own routes, and closes a captive portal's hole when its time is over.</summary>
    private void Follow()
    {
        if (_state is { } state && _machine is { } machine)
        {
            try
            {
                machine.Reach(NetworkPlan.For(state, machine.Place, CaptiveTime(state)));
            }
            catch (CulvertException failure)
            {
                // The guard that is there is stricter or older, never wider than what was allowed; the next change tries again.
                Console.Error.WriteLine($"culvert-helper: {failure.Message}");
            }
        }
    }

    /// <summary>A resolver that has just started may not be heard yet where it is told things: it is tried again, a few times.</summary>
    private void FollowResolver()
    {
        if (_resolverTries > 0)
        {
            string? problem = _machine?.FollowResolver();
            _resolverTries = problem is null ? 0 : _resolverTries - 1;
            if (problem is not null && _resolverTries == 0)
            {
                Console.Error.WriteLine($"culvert-helper: {problem}");
            }
        }
    }

    private List<string> GiveBack(bool kill) => _machine?.GiveBack(kill) ?? [];

    private static TimeSpan CaptiveTime(TunnelState state) => state.CaptiveUntil is { } end && end > DateTimeOffset.UtcNow ? end - DateTimeOffset.UtcNow : TimeSpan.Zero;

    /// <summary>When something changes by the clock; null: never.</summary>
    private TimeSpan? NextChange()
    {
        TimeSpan? captive = _state is { } state && CaptiveTime(state) is { } left && left > TimeSpan.Zero ? left : null;
        return _resolverTries > 0 && !(captive < ResolverPause) ? ResolverPause : captive;
    }

    private static bool IsLinkName(string name) => name == TunnelHelperOptions.DefaultLink
        || (name.StartsWith(TunnelHelperOptions.LinkPrefix, StringComparison.Ordinal) && name.Length - TunnelHelperOptions.LinkPrefix.Length is >= 1 and <= 7
            && name.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter == '-'));
}
