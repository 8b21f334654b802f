using System;
using System.Buffers;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Flows;
using Culvert.Pairing;
using Culvert.Tests.Unit.Flows;
using Culvert.Tests.Unit.Session;
using Culvert.Tests.Unit.Sessions;
using Culvert.Trust;
using Xunit;

namespace Culvert.Tests.Unit.Pairing;

public sealed class PairingTests : IDisposable
{
    private readonly PairingLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task BothKnowEachOtherAfterwards()
    {
        string? atDevice = null;
        _lab.Compare = (digits, _) =>
        {
            Assert.False(_lab.GatewayTrusts);
            atDevice = digits;
            return Task.FromResult(true);
        };
        TrustedPeer gateway = await _lab.PairAsync(_lab.Invite().Code);
        Assert.Equal(("home", PairingLab.Gateway, "tls://192.0.2.7:7443"), (gateway.Name, gateway.Key, gateway.Addresses.Single()));
        Assert.Equal("laptop", _lab.AtGateway.Find(PeerKind.Device, PairingLab.Device)!.Name);
        PairingRequest request = Assert.Single(_lab.Requests);
        Assert.Equal((atDevice, "laptop", PairingLab.From), (request.Digits, request.Device, request.From));
        Assert.Equal(6, request.Digits.Length);
        Assert.Equal(["'laptop' (192.0.2.9) is paired."], _lab.Said);
        Assert.Equal(1, _lab.Closed);
    }

    [Fact]
    public async Task TheSecretOfTheUriPairsToo()
    {
        PairUri uri = _lab.Invite().Uri!;
        (Wire wire, Task served) = _lab.Open(PairingLab.Device);
        DevicePairing pairing = new()
        {
            Device = PairingLab.Device,
            Gateway = uri.Key.ToKeyHash(),
            Secret = uri.Secret,
            Name = "laptop",
            Compare = static (_, _, _) => Task.FromResult(true),
        };
        Assert.Equal("home", await pairing.RunAsync(wire.Near, default));
        wire.Near.Abort();
        await served.WaitAsync(Patience.Soon);
        Assert.True(_lab.GatewayTrusts);
    }

    [Fact]
    public async Task AWrongCodeIsRefusedAndCosts()
    {
        string code = _lab.Invite().Code;
        foreach (int i in Enumerable.Range(0, 3))
        {
            await RefusedAsync("0000-0000", FailureKind.Untrusted, "shows another code");
        }

        await RefusedAsync(code, FailureKind.LimitReached, "too many attempts");
        Assert.Empty(_lab.Requests);
        Assert.Equal(3, _lab.Said.Count(static s => s == "'laptop' was not paired: it does not know the code."));
    }

    [Fact]
    public async Task ACodeIsGoodOnce()
    {
        string code = _lab.Invite().Code;
        await _lab.PairAsync(code);
        await RefusedAsync(code, FailureKind.Untrusted, "it was used, or tried too often, or is too old", trusted: true);
        _lab.Invite();
        await RefusedAsync(code, FailureKind.Untrusted, "it was used, or tried too often, or is too old", trusted: true);
        Assert.Single(_lab.Requests);
    }

    [Fact]
    public async Task ACodeIsGoodForTenMinutes()
    {
        string code = _lab.Invite().Code;
        _lab.Clock.Advance(TimeSpan.FromMinutes(10));
        await RefusedAsync(code, FailureKind.Untrusted, "is too old");
        Assert.Empty(_lab.Requests);
    }

    [Fact]
    public async Task AGatewayThatShowsNothingPairsNobody() => await RefusedAsync("0000-0000", FailureKind.Untrusted, "shows none");

    [Fact]
    public async Task NobodyIsTrustedWhomTheGatewaysOwnerRefuses()
    {
        _lab.Approve = static (_, _) => Task.FromResult(false);
        string code = _lab.Invite().Code;
        await RefusedAsync(code, FailureKind.Authentication, "said no");
        await RefusedAsync(code, FailureKind.Untrusted, "good no more"); // who knew it should not have
        Assert.Equal(1, _lab.Closed);
    }

    [Fact]
    public async Task NobodyIsTrustedWhoseDigitsDiffer()
    {
        TaskCompletionSource withdrawn = new();
        _lab.Approve = (_, cancellation) => NeverAsync(withdrawn, cancellation);
        _lab.Compare = static (_, _) => Task.FromResult(false);
        string code = _lab.Invite().Code;
        await RefusedAsync(code, FailureKind.Untrusted, "The digits differ");
        await withdrawn.Task.WaitAsync(Patience.Soon);
        Assert.Contains("'laptop' was not paired: its owner sees other digits, so somebody stands in between.", _lab.Said);
        await RefusedAsync(code, FailureKind.Untrusted, "good no more");
    }

    [Fact]
    public async Task TheQuestionAtTheDeviceIsWithdrawnWhenTheGatewayRefuses()
    {
        TaskCompletionSource<bool> asked = new();
        TaskCompletionSource withdrawn = new();
        _lab.Approve = async (_, _) => !await asked.Task;
        _lab.Compare = (_, cancellation) =>
        {
            asked.SetResult(true);
            return NeverAsync(withdrawn, cancellation);
        };
        await RefusedAsync(_lab.Invite().Code, FailureKind.Authentication, "said no");
        await withdrawn.Task.WaitAsync(Patience.Soon);
    }

    [Fact]
    public async Task TheGatewaysYesAloneIsNotEnough()
    {
        TaskCompletionSource<bool> compared = new();
        _lab.Compare = (_, _) => compared.Task;
        Task<TrustedPeer> pairing = _lab.PairAsync(_lab.Invite().Code);
        await Until(() => _lab.Requests.Count == 1);
        Assert.False(_lab.GatewayTrusts);
        compared.SetResult(true);
        await pairing;
        Assert.True(_lab.GatewayTrusts);
    }

    /// <summary>Somebody who knows the code, and speaks to both with a key of his own.</summary>
    [Fact]
    public async Task AManInTheMiddleShowsInTheDigits()
    {
        string code = _lab.Invite().Code;
        string? atDevice = null;
        string? atGateway = null;
        _lab.Approve = (request, _) =>
        {
            atGateway = request.Digits;
            return Task.FromResult(true);
        };
        _lab.Compare = async (digits, _) =>
        {
            atDevice = digits;
            await Until(() => atGateway is not null);
            return digits == atGateway;
        };
        Wire near = new();
        (Wire far, Task served) = _lab.Open(PairingLab.Key("mallory"));
        Task middle = InTheMiddleAsync(near.Far, far.Near, code);
        CulvertException failure = await Assert.ThrowsAsync<CulvertException>(() => _lab.PairAsync(code, near.Near, PairingLab.Key("mallory")));
        Assert.Equal(FailureKind.Untrusted, failure.Kind);
        Assert.Contains("The digits differ", failure.Message, StringComparison.Ordinal);
        await middle.WaitAsync(Patience.Soon);
        await served.WaitAsync(Patience.Soon);
        Assert.NotEqual(atGateway, atDevice);
        Assert.Empty(_lab.AtDevice.Peers);
        Assert.Empty(_lab.AtGateway.Peers);
    }

    /// <summary>Somebody who only passes frames on is found out by the commitment, since the keys are not those of the connections.</summary>
    [Fact]
    public async Task WhoPassesFramesOnIsFoundOut()
    {
        string code = _lab.Invite().Code;
        (Wire wire, Task served) = _lab.Open(PairingLab.Key("mallory"));
        await Assert.ThrowsAsync<CulvertException>(() => _lab.PairAsync(code, wire.Near, PairingLab.Key("mallory")));
        await served.WaitAsync(Patience.Soon);
        Assert.Empty(_lab.Requests);
    }

    [Fact]
    public async Task WhoeverShowsAGatewaysNameButNotItsSecretIsNotTrusted()
    {
        Wire wire = new();
        Task<CulvertException> pairing = Assert.ThrowsAsync<CulvertException>(() => _lab.PairAsync("0000-0000", wire.Near, PairingLab.Gateway));
        byte[] buffer = new byte[1024];
        await wire.Far.ReadAsync(buffer);
        await WriteAsync(wire.Far, VectorFrame.Encode($"PAIR_ANSWER nonce={new string('4', 64)} name=home"));
        await wire.Far.ReadAsync(buffer);
        await WriteAsync(wire.Far, VectorFrame.Encode($"PAIR_CHECK proof={new string('5', 64)}"));
        await wire.Far.ReadAsync(buffer);
        await wire.Far.FinishAsync();
        CulvertException failure = await pairing;
        Assert.Equal(FailureKind.Untrusted, failure.Kind);
        Assert.Contains("does not know the code", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADeviceIsNeverTrustedByHalf()
    {
        // The wire breaks at each byte: either both know each other, or the device does not know the gateway and can pair again.
        bool paired = false;
        for (long lasts = 1; !paired; lasts++)
        {
            using PairingLab lab = new();
            string code = lab.Invite().Code;
            try
            {
                await lab.PairAsync(code, lasts);
                paired = true;
            }
            catch (CulvertException e)
            {
                Assert.True(e.Kind == FailureKind.Reset, $"{lasts}: {e.Message}");
                Assert.False(lab.DeviceTrusts);
            }

            Assert.True(lab.GatewayTrusts || !lab.DeviceTrusts);
            await lab.PairAsync(lab.Invite().Code);
            Assert.True(lab.GatewayTrusts && lab.DeviceTrusts);
            Assert.Single(lab.AtGateway.Peers);
        }
    }

    [Fact]
    public async Task AFullDiskAtTheGatewayTrustsNobody()
    {
        _lab.GatewayDisk = PairingLab.FullDisk;
        await RefusedAsync(_lab.Invite().Code, FailureKind.LimitReached, "no room on its disk");
        Assert.Contains(_lab.Said, static s => s.StartsWith("'laptop' (192.0.2.9) was not paired:", StringComparison.Ordinal) && s.Contains("No space left", StringComparison.Ordinal));
        _lab.GatewayDisk = static _ => { };
        await _lab.PairAsync(_lab.Invite().Code);
    }

    [Fact]
    public async Task AFullDiskAtTheDeviceIsSaidAndMended()
    {
        _lab.DeviceDisk = PairingLab.FullDisk;
        CulvertException failure = await Assert.ThrowsAsync<CulvertException>(() => _lab.PairAsync(_lab.Invite().Code));
        Assert.Equal(FailureKind.Configuration, failure.Kind);
        Assert.Contains("The gateway knows this device now, but it could not be kept here", failure.Message, StringComparison.Ordinal);
        Assert.False(_lab.DeviceTrusts);
        _lab.DeviceDisk = static _ => { };
        await _lab.PairAsync(_lab.Invite().Code);
        Assert.Single(_lab.AtGateway.Peers);
    }

    [Fact]
    public async Task WhoIsPairedAgainKeepsNameAndRules()
    {
        await _lab.PairAsync(_lab.Invite().Code);
        _lab.AtGateway.Rename(PeerKind.Device, "laptop", "Anna's");
        _lab.AtGateway.Update(PeerKind.Device, PairingLab.Device, static p => p with { Rules = ["deny *"] });
        _lab.AtDevice.Rename(PeerKind.Gateway, "home", "office");
        Assert.Equal("office", (await _lab.PairAsync(_lab.Invite().Code)).Name);
        TrustedPeer device = Assert.Single(_lab.AtGateway.Peers);
        Assert.Equal(("Anna's", "deny *"), (device.Name, device.Rules.Single()));
    }

    [Fact]
    public async Task TwoDevicesAreAskedAboutOneAfterTheOtherAndOnlyOneIsPaired()
    {
        TaskCompletionSource<bool> answer = new();
        _lab.Approve = (_, _) => answer.Task;
        string code = _lab.Invite().Code;
        Task<TrustedPeer> first = _lab.PairAsync(code);
        await Until(() => _lab.Requests.Count == 1);
        Task<CulvertException> second = Assert.ThrowsAsync<CulvertException>(() => _lab.PairAsync(code));
        answer.SetResult(true);
        await first;
        Assert.Contains("good no more", (await second).Message, StringComparison.Ordinal);
        Assert.Single(_lab.Requests);
    }

    [Fact]
    public async Task ItTakesSoLongAtMost()
    {
        using PairingLab lab = new(PairLimits.Default with { Time = TimeSpan.FromMilliseconds(300) });
        lab.Approve = static (_, cancellation) => NeverAsync(new TaskCompletionSource(), cancellation);
        CulvertException failure = await Assert.ThrowsAsync<CulvertException>(() => lab.PairAsync(lab.Invite().Code));
        Assert.Equal(FailureKind.TimedOut, failure.Kind);
        Assert.Contains("Nobody said yes", failure.Message, StringComparison.Ordinal);
        Assert.False(lab.GatewayTrusts);
    }

    [Theory]
    [InlineData("PAIR_CONFIRM")]
    [InlineData("PAIR_DONE reason=None")]
    [InlineData("PAIR_OFFER version=1 commitment=1111111111111111111111111111111111111111111111111111111111111111 name=x")]
    [InlineData("PING number=1")]
    [InlineData("UNKNOWN type=255 id=0 flags=0 bytes=")]
    public async Task WhatIsOutOfTurnEndsIt(string words)
    {
        _lab.Invite();
        (Wire wire, Task served) = _lab.Open(PairingLab.Device);
        await WriteAsync(wire.Near, VectorFrame.Encode($"PAIR_OFFER version=1 commitment={new string('1', 64)} name=x"));
        await WriteAsync(wire.Near, VectorFrame.Encode(words));
        Assert.EndsWith("95000002000000000002", await ReadAllAsync(wire.Near), StringComparison.Ordinal); // PAIR_DONE, Protocol
        wire.Near.Abort();
        await served.WaitAsync(Patience.Soon);
        Assert.Contains("'x' was not paired: it does not speak as a device does.", _lab.Said);
    }

    private static async Task InTheMiddleAsync(IConnection device, IConnection gateway, string code)
    {
        KeyHash own = PairingLab.Key("mallory");
        PairCode.TryRead(code, out byte[] secret);
        PairDevice asDevice = new(own.ToBytes32(), PairingLab.Gateway.ToBytes32(), new Bytes32(new byte[32]), secret, "laptop");
        await WriteAsync(gateway, asDevice.TakeOutput());
        await PumpAsync(gateway, asDevice, () => asDevice.State == PairDeviceState.Comparing); // he waits until the device's owner has said yes

        byte[] offer = new byte[FirstFrame.MaxSize];
        int count = await device.ReadAsync(offer);
        Assert.Equal(FirstFrameKind.Pairing, FirstFrame.Read(offer.AsSpan(0, count), out FirstFrame first));
        PairGateway asGateway = new(PairingLab.Device.ToBytes32(), own.ToBytes32(), first.Offer, new Bytes32(new byte[32]), "home");
        await WriteAsync(device, asGateway.TakeOutput());
        await PumpAsync(device, asGateway, () => asGateway.State == PairGatewayState.Revealed);
        asGateway.Prove(secret);
        await PumpAsync(device, asGateway, () => asGateway.Outcome is not null);
        Assert.Equal(VshpReason.Untrusted, asGateway.Outcome);
        device.Abort();
        gateway.Abort();
    }

    private static async Task PumpAsync(IConnection connection, PairSide side, Func<bool> done)
    {
        byte[] buffer = new byte[1024];
        while (true)
        {
            await WriteAsync(connection, side.TakeOutput());
            if (done())
            {
                return;
            }

            int count = await connection.ReadAsync(buffer);
            Assert.NotEqual(0, count);
            side.Receive(buffer.AsSpan(0, count));
        }
    }

    private static async Task<bool> NeverAsync(TaskCompletionSource withdrawn, CancellationToken cancellation)
    {
        try
        {
            await Task.Delay(Timeout.Infinite, cancellation);
        }
        finally
        {
            withdrawn.TrySetResult();
        }

        return true;
    }

    private static ValueTask WriteAsync(IConnection connection, ReadOnlyMemory<byte> bytes) => connection.WriteAsync(new ReadOnlySequence<byte>(bytes));

    private static async Task<string> ReadAllAsync(IConnection connection)
    {
        List<byte> all = [];
        byte[] buffer = new byte[1024];
        while (await connection.ReadAsync(buffer).AsTask().WaitAsync(Patience.Soon) is > 0 and int count)
        {
            all.AddRange(buffer[..count]);
        }

        return Convert.ToHexStringLower([.. all]);
    }

    private static async Task Until(Func<bool> holds)
    {
        using CancellationTokenSource limit = new(Patience.Soon);
        while (!holds())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    private async Task RefusedAsync(string code, FailureKind kind, string why, bool trusted = false)
    {
        CulvertException failure = await Assert.ThrowsAsync<CulvertException>(() => _lab.PairAsync(code));
        Assert.Equal(kind, failure.Kind);
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
        Assert.Equal((trusted, trusted), (_lab.GatewayTrusts, _lab.DeviceTrusts));
    }
}
