using Culvert.Core;
using Culvert.Core.Session;

namespace Culvert.Pairing;

/// <summary>How a pairing that did not come about is told to the person at the device; the kinds stand in <see cref="VshpReasons"/>.</summary>
internal static class PairingFailures
{
    /// <summary>What the gateway has said, or what became of the connection.</summary>
    public static CulvertException OfGateway(VshpReason reason, string gateway) => new(reason.ToFailureKind(), reason switch
    {
        VshpReason.PairingSecret => $"{gateway} shows another code: this one is mistyped, or was made by somebody else. Nothing was trusted.",
        VshpReason.PairingExpired => $"The code is good no more: it was used, or tried too often, or is too old, or {gateway} shows none. Have it show a new one.",
        VshpReason.PairingDeclined => $"Somebody at {gateway} said no. Nothing was trusted.",
        VshpReason.LimitReached => $"{gateway} does not take this device now: too many attempts, too many devices, or no room on its disk; its own screen says which.",
        VshpReason.TimedOut => $"Nobody said yes at {gateway} in time. Nothing was trusted.",
        VshpReason.ShuttingDown => $"{gateway} is being stopped.",
        VshpReason.Reset => $"{gateway} closed the connection before it had said that both are paired. It may know this device by now: pair again.",
        _ => $"{gateway} ended the pairing: the two do not understand each other. Update the older one.",
    });

    /// <summary>What we have ended ourselves.</summary>
    public static CulvertException OfDevice(VshpReason reason, string gateway) => new(reason.ToFailureKind(), reason switch
    {
        VshpReason.Untrusted => $"What answers as {gateway} does not know the code that it should have shown: it is another, or somebody stands in between. Nothing was trusted.",
        _ => $"{gateway} does not pair as it should: the protocol was broken.",
    });

    /// <summary>The person has seen other digits at the gateway.</summary>
    public static CulvertException OfDigits(string gateway) =>
        new(FailureKind.Untrusted, $"The digits differ: somebody stands between this device and {gateway}. Nothing was trusted; try again on a network that you know.");
}
