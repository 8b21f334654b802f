using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core.Session;

namespace Culvert.Pairing;

/// <summary>How a gateway pairs.</summary>
internal sealed record PairingDeskOptions
{
    /// <summary>The gateway's name, a <see cref="PairName"/>.</summary>
    public required string Name { get; init; }

    /// <summary>Where devices reach it, <c>host:port</c> each, as it is now; for the URI.</summary>
    public required Func<IReadOnlyList<string>> Addresses { get; init; }

    /// <summary>
    /// Asks the gateway's owner, one request at a time; cancelled when the device has gone. Who asks shows the request's digits.
    /// </summary>
    public required Func<PairingRequest, CancellationToken, Task<bool>> Approve { get; init; }

    /// <summary>What strangers may cost.</summary>
    public PairLimits Limits { get; init; } = PairLimits.Default;

    /// <summary>The clock of limits and records.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Told what the gateway's owner should know, a sentence each.</summary>
    public Action<string> Say { get; init; } = static _ => { };

    /// <summary>Told when the secret that is shown is void by what somebody did: a person has decided, or it was tried too often. When it is too old, whoever shows it knows.</summary>
    public Action Closed { get; init; } = static () => { };
}
