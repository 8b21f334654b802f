using System;
using System.Globalization;
using System.IO;
using Culvert.Tests.Lab;
using Xunit;

namespace Culvert.Tests.EndToEnd.Steering;

/// <summary>However a tunnel ends, the machine is as it was before: at once, after the clean-up, or at the next start.</summary>
public sealed class GivingBackTests(LabFixture fixture) : SteeringTest(fixture)
{
    private const int Kill = 9;
    private const int Terminate = 15;
    private const string Rich = "outside=198.51.100.10/32,6,1080 outside=203.0.113.10/32 direct kill-switch";

    [LabFact]
    public void KilledEngineLeavesNothing()
    {
        Command engine = Up();
        engine.Signal(Kill);
        Assert.Throws<InvalidOperationException>(() => engine.WaitFor("never"));
        Until.True(() => !Directory.Exists(Journals), "the helper to give everything back");
    }

    [LabFact]
    public void HelperThatIsToldToEndLeavesNothing()
    {
        Command engine = Up();
        Signal(HelperOf(engine), Terminate);
        Until.True(() => !Directory.Exists(Journals), "the helper to give everything back");
        End(engine);
    }

    [LabTheory("ping")]
    [InlineData(false)]
    [InlineData(true)]
    public void KilledHelperIsCleanedUpAfter(bool engineToo)
    {
        Command engine = Up();
        Signal(HelperOf(engine), Kill);
        if (engineToo)
        {
            engine.Signal(Kill);
            Assert.Throws<InvalidOperationException>(() => engine.WaitFor("never"));
        }
        else
        {
            Assert.True(Answers(Network.BlackHole)); // the link is the engine's, and its routes and the guard are there as long
            Assert.False(Answers(Network.Internet.V4, "-I eth0"));
            Assert.Contains("culvert0 is carried on by its engine", CleanUp("keep-guards").Ok().Output, StringComparison.Ordinal);
            Assert.True(Answers(Network.BlackHole));
            End(engine);
        }

        Assert.NotEmpty(Directory.GetFiles(Journals));
        string told = CleanUp("dry-run").Ok().Output;
        Assert.Contains("Would remove the rule v4", told, StringComparison.Ordinal);
        Assert.NotEmpty(Directory.GetFiles(Journals));
        Assert.Contains("Done: remove the rule v4", CleanUp().Ok().Output, StringComparison.Ordinal);
        Assert.Equal("Nothing to clean up.\n", CleanUp().Ok().Output);
    }

    [LabFact("ping")]
    public void CleanUpLeavesALivingTunnelAlone()
    {
        Command engine = Up();
        Assert.Contains("culvert0 is up", CleanUp().Ok().Output, StringComparison.Ordinal);
        Assert.True(Answers(Network.BlackHole));
        End(engine);
    }

    [LabFact]
    public void DeathAtEveryStepOfTheJournalIsUndone()
    {
        Snapshot before = Snapshot.Take(Network);
        int death = 0;
        bool died;
        do
        {
            death++;
            Command engine = Engine(death % 4 < 2 ? death : -death); // a step that is noted and not made, or one that is made and should be noted
            engine.Write($"open culvert0\nset {Rich}\n");
            Until.True(() => engine.Output.Split('\n').Length > 2 || HasEnded(engine), "the engine to have been answered");
            died = engine.Error.Contains("dies at", StringComparison.Ordinal);
            engine.CloseInput();
            engine.Wait();
            if (death % 2 == 0)
            {
                // The next start undoes what the death left, and its own end the rest.
                Command next = Up();
                Tell(next, "give-back");
                End(next);
            }
            else
            {
                CleanUp().Ok();
            }

            before.VerifyRestored(Network);
        }
        while (died);
        Assert.InRange(death, 20, 60);
    }

    [LabFact("ping")]
    public void KillSwitchOutlivesAnyDeathUntilTheCleanUp()
    {
        Command engine = Up("kill-switch");
        int helper = HelperOf(engine);
        Signal(helper, Kill);
        engine.Signal(Kill);
        Until.True(() => !Network.Client.Ip("-o link").Contains("culvert0", StringComparison.Ordinal), "the link to go");
        Assert.False(Answers(Network.Internet.V4));
        Assert.False(Answers(Network.Internet.V6));
        Assert.Empty(Fixture.Oracle.Heard());
        Command next = Up(); // takes over without a gap, and gives back all
        Assert.True(Answers(Network.BlackHole));
        End(next);
        Only("to the internet host once it is over", packet => Network.Internet.V4.Equals(packet.Destination));
        Assert.True(Answers(Network.Internet.V4));
    }

    [LabFact("ping")]
    public void KillSwitchStaysWhenTheEngineDiesAndGoesWhenItIsToldTo()
    {
        Command engine = Up("kill-switch");
        engine.Signal(Kill);
        Until.True(() => Network.Client.Ip("rule").Split('\n').Length <= 4, "the helper to give the rules back");
        Assert.False(Answers(Network.Internet.V4));
        Assert.Empty(Fixture.Oracle.Heard());
        Assert.Contains("Done: remove the firewall table inet culvert0", CleanUp().Ok().Output, StringComparison.Ordinal);
        Command next = Up("kill-switch");
        Tell(next, "set");
        Tell(next, "set kill-switch");
        Tell(next, "give-back");
        End(next);
    }

    [LabFact]
    public void WhatIsNotOursIsLeftAlone()
    {
        Network.Client.Shell("ip rule add priority 5103 to 203.0.113.10 lookup main; ip route add 203.0.113.99 via 192.0.2.1 table 19780; nft add table inet mine").Ok();
        Command engine = Up("kill-switch");
        Signal(HelperOf(engine), Kill);
        engine.Signal(Kill);
        Until.True(() => !Network.Client.Ip("-o link").Contains("culvert0", StringComparison.Ordinal), "the link to go");
        CleanUp().Ok();
        Network.Client.Shell("ip rule del priority 5103 to 203.0.113.10 lookup main && ip route del 203.0.113.99 via 192.0.2.1 table 19780 && nft delete table inet mine").Ok();
    }

    private static bool HasEnded(Command command)
    {
        try
        {
            command.ThrowIfEnded();
            return false;
        }
        catch (InvalidOperationException)
        {
            return true;
        }
    }

    private static void Signal(int process, int signal) => LabNetwork.System(string.Create(CultureInfo.InvariantCulture, $"kill -{signal} {process}"));
}
