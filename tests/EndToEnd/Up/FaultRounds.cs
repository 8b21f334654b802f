using System;
using System.Globalization;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Up;

/// <summary>
/// Rounds of seeded faults under load (TCP, UDP, DNS, ping, IPv6), with the kill switch on so that the tunnel is wanted whoever dies. Not one packet may leave but to
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

    private enum Fault
    {
        EngineKilled,
        HelperKilled,
        BothKilled,
        ExitAway,
        LinkFlaps,
        AddressChanges,
        RouteChanges,
        EngineStopped,
        Loss,
        SecondUp,
    }

    [LabFact("microsocks", "dig", "ping", "python3")]
    public void NothingLeaksWhateverHappens()
    {
        OnlyTheExit();
        int rounds = Number("CULVERT_FAULT_ROUNDS", UsualRounds);
        int seed = Number("CULVERT_FAULT_SEED", 1);
        Snapshot before = Snapshot.Take(Network);
        for (int round = 0; round < rounds; round++)
        {
            Random random = new(seed + round);
            Fault fault = (Fault)((seed + round) % Enum.GetValues<Fault>().Length);
            try
            {
                Round(fault, random);
                before.VerifyRestored(Network);
                Fixture.Oracle.VerifyOnlyTo(Network.Exit.V4, 1080);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw new InvalidOperationException($"Round {round} (CULVERT_FAULT_SEED={seed + round} CULVERT_FAULT_ROUNDS=1): {fault}", e);
            }
        }
    }

    private static int Number(string variable, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number) ? number : usual;

    private void Round(Fault fault, Random random)
    {
        Command proxy = Servers.Microsocks(Network.Exit);
        RunningTunnel tunnel = Up($"{Socks} --kill-switch --no-lan");
        using Command load = Network.Client.Start(["bash", "-c", Load], new CommandOptions { TimeOut = TimeSpan.FromMinutes(5) });
        try
        {
            WorksAgain();
            bool dead = Strike(fault, tunnel, random, ref proxy);
            if (!dead)
            {
                WorksAgain();
            }

            load.Dispose();
            if (dead)
            {
                LabNetwork.System($"kill -9 {tunnel.Engine} 2>/dev/null || true");
                tunnel.Ended();
                Culvert("down").Ok();
            }
            else
            {
                Culvert("down");
                tunnel.Ended();
                Culvert("cleanup").Ok();
            }
        }
        finally
        {
            proxy.Dispose();
        }
    }

    /// <summary>True when the tunnel does not come back from it.</summary>
    private bool Strike(Fault fault, RunningTunnel tunnel, Random random, ref Command proxy)
    {
        string gateway = "via 192.0.2.1 dev eth0";
        string pause = (0.5 + random.NextDouble()).ToString("0.0", CultureInfo.InvariantCulture);
        switch (fault)
        {
            case Fault.EngineKilled:
                LabNetwork.System($"kill -9 {tunnel.Engine}; sleep {pause}");
                return true;
            case Fault.HelperKilled:
                LabNetwork.System($"kill -9 {tunnel.Helper}; sleep {pause}");
                return false;
            case Fault.BothKilled:
                LabNetwork.System($"kill -9 {tunnel.Engine} {tunnel.Helper}; sleep {pause}");
                return true;
            case Fault.ExitAway:
                proxy.Dispose();
                tunnel.WaitFor("While the exit is away");
                proxy = Servers.Microsocks(Network.Exit);
                return false;
            case Fault.LinkFlaps:
                LabNetwork.System($"n=\"ip -n {Network.Client.Namespace}\"; for i in 1 2 3; do $n link set eth0 down; sleep 0.2; $n link set eth0 up; sleep 0.1; done; $n addr replace {Network.Client.V6}/64 dev eth0 nodad; $n route replace default {gateway}; $n -6 route replace default via 2001:db8:1::1 dev eth0");
                return false;
            case Fault.AddressChanges:
                LabNetwork.System($"n=\"ip -n {Network.Client.Namespace}\"; $n addr add 192.0.2.12/24 dev eth0; $n addr del {Network.Client.V4}/24 dev eth0; sleep {pause}; $n addr add {Network.Client.V4}/24 dev eth0; $n addr del 192.0.2.12/24 dev eth0; $n addr replace {Network.Client.V4}/24 dev eth0; $n route replace default {gateway}");
                return false;
            case Fault.RouteChanges:
                LabNetwork.System($"n=\"ip -n {Network.Client.Namespace}\"; $n route del default; sleep {pause}; $n route add default via 192.0.2.20 dev eth0; sleep 0.3; $n route replace default {gateway}");
                return false;
            case Fault.EngineStopped:
                LabNetwork.System($"kill -STOP {tunnel.Engine}; sleep {(random.Next(10) == 0 ? "20" : "3")}; kill -CONT {tunnel.Engine}");
                return false;
            case Fault.Loss:
                string router = $"ip netns exec {Network.Router.Namespace} nft";
                LabNetwork.System($"{router} 'table inet loss {{ chain lost {{ type filter hook forward priority 0; numgen random mod 5 == 0 drop; }}; }}'; sleep 5; {router} delete table inet loss");
                return false;
            default:
                Assert.Equal(3, Culvert("up", Socks).ExitCode);
                return false;
        }
    }

    private void WorksAgain() => Until.True(
        () => Here("curl -sS --max-time 2 http://v4.lab.example/who").Output == FromTheExit, "the tunnel to carry again", TimeSpan.FromSeconds(60));
}
