using System;
using System.Collections.Generic;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Tunnel;
using Xunit;

namespace Culvert.Tests.Unit.Tunnel;

public sealed class ExitGateTests
{
    private static readonly Destination Nowhere = new(IPAddress.Loopback, 1);

    private readonly List<NewsKind> _told = [];

    private ExitGate Gate(double patience) => new(ExitFactory.Create(ExitUri.Direct), TimeSpan.FromSeconds(patience), _told.Add);

    [Fact]
    public async Task AConnectionWaitsUntilTheExitIsBack()
    {
        ExitGate gate = Gate(30);
        Task<IConnection> connecting = gate.ConnectAsync(Nowhere, CancellationToken.None).AsTask();
        Assert.False(connecting.IsCompleted);
        Assert.Equal([NewsKind.Wanted], _told);
        gate.Open();

        // The exit was asked, and nobody listens there.
        Assert.Equal(FailureKind.Refused, (await Assert.ThrowsAsync<CulvertException>(() => connecting)).Kind);
    }

    [Fact]
    public async Task AnExitThatIsAwayAgainIsToldThatSomeStillWait()
    {
        ExitGate gate = Gate(30);
        gate.Close("an attempt with nobody waiting");
        Assert.Empty(_told);
        Task<IConnection> connecting = gate.ConnectAsync(Nowhere, CancellationToken.None).AsTask();
        gate.Close("another attempt");
        Assert.Equal([NewsKind.Wanted, NewsKind.Wanted], _told);
        gate.Open();
        await Assert.ThrowsAsync<CulvertException>(() => connecting);
    }

    [Fact]
    public async Task WhatHasWaitedInVainIsRefusedAndHearsWhy()
    {
        ExitGate gate = Gate(0.05);
        gate.Open();
        gate.Close("the cable is out");
        CulvertException failure = await Assert.ThrowsAsync<CulvertException>(async () => await gate.ConnectAsync(Nowhere, CancellationToken.None));
        Assert.Equal(FailureKind.ExitUnreachable, failure.Kind);
        Assert.Contains("the cable is out", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DatagramsAndPingsAreRefusedAtOnce()
    {
        ExitGate gate = Gate(30);
        Assert.Equal(FailureKind.ExitUnreachable, (await Assert.ThrowsAsync<CulvertException>(async () => await gate.AssociateAsync(CancellationToken.None))).Kind);
        Assert.Equal(FailureKind.ExitUnreachable, (await Assert.ThrowsAsync<CulvertException>(async () => await gate.EchoAsync(Nowhere, default, CancellationToken.None))).Kind);
    }
}
