using System;
using System.Collections.Generic;
using System.IO;
using Culvert.Core;
using Culvert.Platform.Install;
using Xunit;

namespace Culvert.Tests.Unit.Platform;

public sealed class ServiceFilesTests
{
    private static readonly IReadOnlyDictionary<string, string> Files = ServiceFiles.All("/opt/culvert/culvert", "/opt/culvert/culvert-helper", "home --kill-switch");

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
        Assert.Contains("\nRestart=always\n", engine, StringComparison.Ordinal);
    }

    [Fact]
    public void PercentSignsOfAnExitAreNotSystemds() =>
        Assert.Contains("up socks5://u%%40h:p@h:1\n", ServiceFiles.All("c", "h", "socks5://u%40h:p@h:1")["/etc/systemd/system/culvert.service"], StringComparison.Ordinal);

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
