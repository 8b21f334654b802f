using System;
using System.Collections.Generic;
using System.IO;
using Culvert.Core;
using Culvert.Platform.Install;
using Culvert.Platform.Interop;
using Xunit;

namespace Culvert.Tests.Unit.Platform;

public sealed class ServiceFilesTests
{
    private static readonly IReadOnlyDictionary<string, string> Files = ServiceFiles.All("/opt/culvert/culvert", "/opt/culvert/culvert-helper", "home", killSwitch: true);

    [Fact]
    public void HelpersSocketIsItsGroupsAlone()
    {
        string unit = Files["/etc/systemd/system/culvert-helper.socket"];
        Assert.Contains("\nListenSequentialPacket=/run/culvert/helper.socket\n", unit, StringComparison.Ordinal);
        Assert.Contains("\nSocketGroup=culvert\nSocketMode=0660\n", unit, StringComparison.Ordinal);
        Assert.Contains("\nAccept=yes\n", unit, StringComparison.Ordinal);
    }

    [Fact]
    public void HelperHasOneCapabilityAndTheEngineNone()
    {
        string helper = Files["/etc/systemd/system/culvert-helper@.service"];
        Assert.Contains("\nCapabilityBoundingSet=CAP_NET_ADMIN\n", helper, StringComparison.Ordinal);
        Assert.Contains("\nExecStart=/opt/culvert/culvert-helper tunnel\nStandardInput=socket\n", helper, StringComparison.Ordinal);
        Assert.Contains("\nExecStopPost=/opt/culvert/culvert-helper cleanup keep-guards\n", helper, StringComparison.Ordinal);
        string engine = Files["/etc/systemd/system/culvert.service"];
        Assert.Contains("\nCapabilityBoundingSet=\n", engine, StringComparison.Ordinal);
        Assert.Contains("\nUser=culvert\n", engine, StringComparison.Ordinal);
        Assert.Contains("\nExecStart=/opt/culvert/culvert up home --kill-switch\n", engine, StringComparison.Ordinal);
        Assert.Contains("\nRestart=on-failure\n", engine, StringComparison.Ordinal);
    }

    [Fact]
    public void WithAKillSwitchTheMachineStartsClosed()
    {
        const string unit = "/etc/systemd/system/culvert-closed.service";
        Assert.Contains("\nExecStart=/opt/culvert/culvert-helper close\n", Files[unit], StringComparison.Ordinal);
        Assert.Contains("\nBefore=network-pre.target culvert.service\n", Files[unit], StringComparison.Ordinal);
        Assert.Contains("\nCapabilityBoundingSet=CAP_NET_ADMIN\n", Files[unit], StringComparison.Ordinal);
        Assert.DoesNotContain("Conflicts=", Files[unit], StringComparison.Ordinal);
        Assert.False(ServiceFiles.All("c", "h", "home", killSwitch: false).ContainsKey(unit));
    }

    [Fact]
    public void WhatTheServicesUserMayNotReadIsFound()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("culvert-install-");
        try
        {
            string file = Path.Combine(root.CreateSubdirectory("deep").FullName, "program");
            File.WriteAllText(file, "");
            Assert.Equal(root.FullName, Installation.Obstacle(file)); // made for its owner alone
            Libc.chmod(root.FullName, 0x1C1 /* rwx-----x */);
            Assert.Null(Installation.Obstacle(file));
            Libc.chmod(file, 0x100 /* r-------- */);
            Assert.Equal(file, Installation.Obstacle(file));
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Fact]
    public void PercentSignsOfAnExitAreNotSystemds() =>
        Assert.Contains("up socks5://u%%40h:p@h:1\n", ServiceFiles.All("c", "h", "socks5://u%40h:p@h:1", killSwitch: false)["/etc/systemd/system/culvert.service"], StringComparison.Ordinal);

    [Fact]
    public void FilesAreWrittenAndTakenAway()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("culvert-install-");
        try
        {
            Assert.Equal(Files.Count, Installation.Install(Files, root.FullName).Count);
            Assert.All(Files, file => Assert.Equal(file.Value, File.ReadAllText(root.FullName + file.Key)));
            Assert.Equal(Files.Count, Installation.Remove(Files.Keys, root.FullName).Count);
            Assert.Empty(Installation.Remove(Files.Keys, root.FullName));
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Fact]
    public void MachineWithoutSystemdIsTold()
    {
        if (!Directory.Exists("/run/systemd/system"))
        {
            CulvertException failure = Assert.Throws<CulvertException>(() => Installation.Install(Files));
            Assert.Equal(FailureKind.Configuration, failure.Kind);
        }
    }
}
