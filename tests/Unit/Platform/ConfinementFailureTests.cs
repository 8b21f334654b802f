using System;
using Culvert.Core;
using Culvert.Platform.Linux;
using Xunit;

namespace Culvert.Tests.Unit.Platform;

public sealed class ConfinementFailureTests
{
    [Fact]
    public void OldUnshareIsNamedWithTheVersionThatDoes()
    {
        CulvertException failure = ConfinementFailure.Ended(1, "unshare: unrecognized option '--keep-caps'\nTry 'unshare --help' for more information.\n", true);
        Assert.Equal(FailureKind.Configuration, failure.Kind);
        Assert.Contains("too old, util-linux 2.36", failure.Message, StringComparison.Ordinal);
        Assert.Contains("unrecognized option '--keep-caps'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RootOfAContainerIsToldWhichPowerIsMissing()
    {
        CulvertException failure = ConfinementFailure.Ended(1, "unshare: unshare failed: Operation not permitted\n", false);
        Assert.Equal(FailureKind.Privilege, failure.Kind);
        Assert.Contains("--cap-add SYS_ADMIN", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatTheHelperSaidLastIsInTheSentence()
    {
        CulvertException failure = ConfinementFailure.Ended(134, "Unhandled exception.\n  System.Exception: Oh.\n", false);
        Assert.Equal("The helper ended with code 134: Unhandled exception.; System.Exception: Oh.", failure.Message);
    }

    [Fact]
    public void ScriptWithoutItsInterpreterIsToldFromAMissingCommand()
    {
        Assert.Contains("interpreter", ConfinementFailure.NotExecuted("/etc/hostname", 2).Message, StringComparison.Ordinal);
        Assert.Equal("nosuch was not found.", ConfinementFailure.NotExecuted("nosuch", 2).Message);
        Assert.Equal(FailureKind.CommandNotExecutable, ConfinementFailure.NotExecuted("/etc", 13).Kind);
    }

    [Theory]
    [InlineData(1279)]
    [InlineData(65536)]
    public void MtuThatCannotBeIsAUsageError(int mtu)
    {
        CulvertException failure = Assert.Throws<CulvertException>(() => ConfinedCommand.Start(new ConfinedCommandOptions { Command = "true", Mtu = mtu }));
        Assert.Equal(FailureKind.Usage, failure.Kind);
    }
}
