using System;
using Culvert.Tests.Lab;
using Xunit;

namespace Culvert.Tests.EndToEnd.Steering;

/// <summary>What goes into the link, and what beside it.</summary>
public sealed class RoutingTests(LabFixture fixture) : SteeringTest(fixture)
{
    [LabFact("ping")]
    public void EverythingGoesIntoTheLinkAndAllIsGivenBack()
    {
        Command engine = Up();
        Assert.True(Answers(Network.BlackHole));
        Assert.True(Answers(Network.BlackHole6));
        Tell(engine, "give-back");
        Assert.DoesNotContain("19780", Network.Client.Ip("rule"), StringComparison.Ordinal);
        End(engine);
    }

    [LabFact("ping")]
    public void NeighbourhoodStaysReachableUnlessItIsNotAllowed()
    {
        Only("to the neighbour", packet => Network.Lan.V4.Equals(packet.Destination) || Network.Lan.V6.Equals(packet.Destination));
        Command engine = Up();
        Assert.True(Answers(Network.Lan.V4));
        Assert.True(Answers(Network.Lan.V6));
        Assert.NotEmpty(Fixture.Oracle.Heard());
        Fixture.Oracle.Reset();
        Tell(engine, "set no-lan");
        Assert.True(Answers(Network.Lan.V4)); // by the engine
        Assert.Empty(Fixture.Oracle.Heard());
        End(engine);
    }

    [LabFact]
    public void ExitIsReachedOutsideOnItsPortOnly()
    {
        OnlyTheExit(7);
        using System.Net.Sockets.Socket listener = Network.Exit.Listen(7);
        Command engine = Up($"outside={Network.Exit.V4}/32,6,7");
        Network.Client.Shell($"timeout 5 bash -c 'exec 3<>/dev/tcp/{Network.Exit.V4}/7'").Ok();
        Assert.True(Answers(Network.Exit.V4)); // by the engine: pings of the exit's address are not the exit's
        End(engine);
    }

    [LabFact("ping")]
    public void ExcludedNetworkIsReachedOutsideAndIncludedOnesAlone()
    {
        Only("to the excluded address", packet => Network.Internet.V4.Equals(packet.Destination) || Network.Internet.V6.Equals(packet.Destination));
        Command engine = Up($"outside={Network.Internet.V4}/32 outside={Network.Internet.V6}/128");
        Assert.True(Answers(Network.Internet.V4));
        Assert.True(Answers(Network.Internet.V6));
        Assert.Equal(2, Fixture.Oracle.Heard().Count);
        Fixture.Oracle.Reset();
        Assert.True(Answers("203.0.113.11"));
        Assert.Empty(Fixture.Oracle.Heard());
        Tell(engine, "set inside=203.0.113.64/26");
        Assert.True(Answers(Network.BlackHole));
        Assert.True(Answers(Network.Internet.V4));
        Assert.NotEmpty(Fixture.Oracle.Heard());
        End(engine);
    }

    [LabFact("ping")]
    public void OnlyTheUsersOrTheGroupsProgramsAreCarried()
    {
        Only("to the internet host, from those whom the tunnel is not for", packet => Network.Internet.V4.Equals(packet.Destination));
        Command engine = Up("user=65534");
        string ping = $"ping -c1 -W1 {Network.BlackHole}";
        Network.Client.Shell($"setpriv --reuid=65534 --clear-groups {ping}").Ok();
        Assert.Empty(Fixture.Oracle.Heard());
        Assert.True(Answers(Network.Internet.V4));
        Assert.NotEmpty(Fixture.Oracle.Heard());
        Fixture.Oracle.Reset();
        Tell(engine, "set group=65534");
        Network.Client.Shell($"setpriv --regid=65534 --clear-groups {ping}").Ok();
        Assert.Empty(Fixture.Oracle.Heard());
        Assert.True(Answers(Network.Internet.V4));
        Assert.NotEmpty(Fixture.Oracle.Heard());
        End(engine);
    }

    [LabFact("ping")]
    public void TwoTunnelsOfOtherNamesDoNotMeet()
    {
        Command one = Up("inside=203.0.113.64/28");
        Command two = Up("inside=203.0.113.80/28", "culvert-two");
        Assert.True(Answers(Network.BlackHole));
        Assert.True(Answers("203.0.113.81"));
        End(one);
        Assert.True(Answers("203.0.113.81"));
        End(two);
    }

    [LabFact("ping")]
    public void StrictReversePathFilterIsLoosenedAndSetBack()
    {
        const string setting = "/proc/sys/net/ipv4/conf/{all,eth0}/rp_filter";
        string before = Network.Client.Shell($"cat {setting}").Output;
        Network.Client.Shell("echo 1 >/proc/sys/net/ipv4/conf/eth0/rp_filter").Ok();
        Only("to the exit", packet => Network.Exit.V4.Equals(packet.Destination));
        Command engine = Up($"direct outside={Network.Exit.V4}/32");
        Assert.True(Answers(Network.Exit.V4));
        Assert.StartsWith("2\n", Network.Client.Shell($"cat {setting}").Output, StringComparison.Ordinal);
        End(engine);
        Assert.EndsWith("\n1\n", Network.Client.Shell($"cat {setting}").Output, StringComparison.Ordinal);
        Network.Client.Shell($"echo {before.Split('\n')[1]} >/proc/sys/net/ipv4/conf/eth0/rp_filter").Ok();
        Assert.Equal(before, Network.Client.Shell($"cat {setting}").Output);
    }

    [LabFact("ping")]
    public void ForwardedNamespaceIsCarried()
    {
        string space = Network.Owner + "-guest";
        LabNetwork.System($"ip netns add {space}");
        try
        {
            Network.Client.Ip($"link add guest type veth peer name eth0 netns {space}");
            Network.Client.Ip("addr add 10.77.0.1/24 dev guest");
            Network.Client.Ip("link set guest up");
            LabNetwork.System($"ip -n {space} addr add 10.77.0.2/24 dev eth0; ip -n {space} link set eth0 up; ip -n {space} route add default via 10.77.0.1");
            Network.Client.Shell("echo 1 >/proc/sys/net/ipv4/ip_forward").Ok();
            Command engine = Up();
            LabNetwork.System($"ip netns exec {space} ping -c1 -W2 {Network.BlackHole}");
            LabNetwork.System($"ip netns exec {space} ping -c1 -W2 10.77.0.1");
            End(engine);
        }
        finally
        {
            Network.Client.Shell("echo 0 >/proc/sys/net/ipv4/ip_forward");
            LabNetwork.System($"ip netns del {space}");
            Until.True(() => !Network.Client.Ip("-o link").Contains("guest", StringComparison.Ordinal), "the guest's interface to go");
        }
    }
}
