using System;
using System.Collections.Generic;
using System.Threading;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Gateway;
using Culvert.Trust;

namespace Culvert.Serving;

/// <summary>What each device may reach now: its own rules, then the gateway's. Made anew only when one of them has changed. For use from many threads.</summary>
internal sealed class DevicePolicies(TrustStore trust, Func<IReadOnlyList<PolicyRule>> common, Func<IpAddr, bool> isOwn, Action<string> say)
{
    private static readonly IReadOnlyList<PolicyRule> Nothing = RuleReader.ReadOption(allows: false, "*");

    private readonly Lock _lock = new();
    private readonly Dictionary<KeyHash, Made> _made = [];

    /// <summary>The policy for the device with this key; null is whoever may use a transport of this machine. A device whose rules are broken reaches nothing.</summary>
    public Policy For(KeyHash? key)
    {
        IReadOnlyList<PolicyRule> shared = common();
        TrustedPeer? device = key is { } known ? trust.Find(PeerKind.Device, known) : null;
        IReadOnlyList<string> own = device?.Rules ?? [];
        lock (_lock)
        {
            ref Made? made = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_made, key ?? default, out _);
            if (made is null || !ReferenceEquals(made.Shared, shared) || !ReferenceEquals(made.Own, own))
            {
                made = new Made(shared, own, new Policy([.. Read(device, own), .. shared], isOwn));
            }

            return made.Policy;
        }
    }

    private IReadOnlyList<PolicyRule> Read(TrustedPeer? device, IReadOnlyList<string> own)
    {
        if (own.Count == 0)
        {
            return [];
        }

        try
        {
            return RuleReader.ReadFile($"The rules of the device '{device!.Name}'", string.Join('\n', own));
        }
        catch (CulvertException e)
        {
            say($"{e.Message}\nUntil they are mended it reaches nothing.");
            return Nothing;
        }
    }

    private sealed record Made(IReadOnlyList<PolicyRule> Shared, IReadOnlyList<string> Own, Policy Policy);
}
