using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Culvert.Tests.Lab;
using Xunit;

namespace Culvert.Tests.EndToEnd.Up;

/// <summary>
/// Rounds of seeded faults under load (TCP, UDP, DNS, ping, IPv6), at any moment and now and then two at once. While the tunnel is wanted not one packet may leave but to
/// the exit, and after each round the machine is as it was before. CULVERT_FAULT_ROUNDS says how many rounds (a few otherwise), CULVERT_FAULT_SEED which.
/// </summary>
public sealed class FaultRounds(LabFixture fixture) : UpTest(fixture)
{
    private const int UsualRounds = 4;

    private const string Load = """
        again() { while :; do "$@" >/dev/null 2>&1; done; }
        again curl -s --max-time 2 http://v4.lab.example/who &
        again curl -gs --max-time 2 http://[2001:db8:3::10]/who &
        again curl -s --max-time 2 http://203.0.113.12/who &
        again dig +tries=1 +time=1 @203.0.113.53 web.lab.example &
        again dig +tries=1 +time=1 @192.0.2.20 web.lab.example AAAA &
        again ping -c1 -W1 203.0.113.10 &
        again ping -c1 -W1 2001:db8:3::10 &
        /usr/bin/python3 -c '
        import socket, time
        while True:
            for family, host in ((socket.AF_INET, "203.0.113.10"), (socket.AF_INET6, "2001:db8:3::10")):
                try:
                    with socket.socket(family, socket.SOCK_DGRAM) as s: s.sendto(b"x", (host, 7))
                except OSError: pass
            time.sleep(0.01)' &
        wait
        """;

    private const string Rule = "only to the exit, and what connections of a dead tunnel repeat once it is no longer wanted";

    // Since the last `down` of a tunnel that died, until the next is up: what nobody has reset may, over IPv6, go on from an address that is gone.
    private bool _unwanted;

    [LabFact("microsocks", "dig", "ping", "python3")]
    public void NothingLeaksWhateverHappens()
    {
        Only(Rule, MayLeave);
        int rounds = Number("CULVERT_FAULT_ROUNDS", UsualRounds);
        int seed = Number("CULVERT_FAULT_SEED", 1);
        Snapshot before = Snapshot.Take(Network);
        for (int round = 0; round < rounds; round++)
        {
            FaultPlan plan = FaultPlan.Of(seed + round);
            try
            {
                Round(plan);
                before.VerifyRestored(Network);
                VerifyLeft();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw new InvalidOperationException($"Round {round}: {plan}", e);
            }
        }
    }

    private static int Number(string variable, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number) ? number : usual;

    private void Round(FaultPlan plan)
    {
        Random random = new(plan.Seed);
        using FaultScene scene = new(Network, random);
        Dictionary<string, string?> environment = new() { ["CULVERT_QUEUES"] = $"{plan.Queues}" };
        string arguments = $"{Socks} --no-lan{(plan.KillSwitch ? " --kill-switch" : "")}";
        switch (plan.First)
        {
            case Fault.DeathWhileStarting:
                DeathWhileStarting(arguments, environment, random);
                break;
            case Fault.DeathWhileEnding:
                DeathWhileEnding(Up(arguments, environment), random);
                break;
            default:
                Strike(plan, scene, Up(arguments, environment), random);
                break;
        }
    }

    private void Strike(FaultPlan plan, FaultScene scene, RunningTunnel tunnel, Random random)
    {
        bool dead = plan.Faults.Any(FaultPlan.Kills);
        using Command load = Network.Client.Start(["bash", "-c", Load], new CommandOptions { TimeOut = TimeSpan.FromMinutes(5) });
        WorksAgain();
        VerifyLeft();
        if (_unwanted)
        {
            Fixture.Oracle.Reset();
            _unwanted = false;
        }

        FaultScene.Pass(TimeSpan.FromSeconds(random.NextDouble()));
        foreach (Fault fault in plan.Faults)
        {
            if (fault == Fault.SecondUp)
            {
                Assert.Equal(3, Culvert("up", Socks).ExitCode);
            }

            scene.Begin(fault, tunnel);
            FaultScene.Pass(scene.Duration(fault));
            if (fault == Fault.NamesPoisoned && plan.Faults.Count() == 1)
            {
                WorksAgain();
            }
        }

        // Whichever came first may end first or last.
        foreach (Fault fault in random.Next(2) == 0 ? plan.Faults : plan.Faults.Reverse())
        {
            scene.End(fault, tunnel);
        }

        if (!dead)
        {
            WorksAgain();
        }

        load.Dispose();
        if (dead)
        {
            VerifyLeft();
            _unwanted = true;
        }

        CommandResult down = Culvert("down");
        tunnel.Ended();
        if (dead)
        {
            down.Ok();
        }
        else
        {
            Culvert("cleanup").Ok();
        }
    }

    private void DeathWhileStarting(string arguments, Dictionary<string, string?> environment, Random random)
    {
        using Command engine = Network.Client.Start(Line("up", arguments), new CommandOptions { TimeOut = TimeSpan.FromMinutes(1), Environment = environment });
        FaultScene.Pass(TimeSpan.FromSeconds(1.2 * random.NextDouble()));
        bool dead = Die(engine.Id, random);
        Until.True(() => engine.HasEnded || (!dead && engine.Error.Contains(" is up, through ", StringComparison.Ordinal)), "the engine to be up or to have ended");
        if (!engine.HasEnded)
        {
            // Without its helper perhaps; but what says that it is up is up.
            WorksAgain();
        }

        // It may not have been far enough to hear of the first.
        Until.True(
            () =>
            {
                Culvert("down");
                return engine.HasEnded;
            },
            "the engine to end");
        Culvert("cleanup").Ok();
    }

    private void DeathWhileEnding(RunningTunnel tunnel, Random random)
    {
        WorksAgain();
        using Command down = Network.Client.Start(Line("down"));
        FaultScene.Pass(TimeSpan.FromSeconds(0.8 * random.NextDouble()));
        Die(tunnel.Engine, random);
        down.Wait();
        Culvert("down");
        tunnel.Ended();
        Culvert("cleanup").Ok();
    }

    /// <summary>Kills the engine, its helper, or both; who has gone already has gone. True when the engine was to die.</summary>
    private static bool Die(int engine, Random random)
    {
        int which = random.Next(3);
        string helper = $"pkill -9 -P {engine}";
        string killed = $"kill -9 {engine} 2>/dev/null";
        LabNetwork.System((which switch { 0 => helper, 1 => killed, _ => $"kill -STOP {engine}; {helper}; {killed}" }) + " || true");
        return which > 0;
    }

    private bool MayLeave(SentPacket packet) => (Network.Exit.V4.Equals(packet.Destination) && packet is { Protocol: 6, Port: 1080 })
        || (_unwanted && packet is { Protocol: 6, Flags: not 2 } && packet.Source?.ToString() == "fd43:756c:7665::2");

    private void VerifyLeft() => Fixture.Oracle.Verify(Rule, MayLeave);

    private void WorksAgain() => Until.True(
        () => Here("curl -sS --max-time 2 http://v4.lab.example/who").Output == FromTheExit, "the tunnel to carry again", TimeSpan.FromSeconds(60));
}
