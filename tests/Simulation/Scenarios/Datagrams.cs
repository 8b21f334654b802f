using System;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Hosts;
using Culvert.Tests.Simulation.Net;
using Xunit;

namespace Culvert.Tests.Simulation.Scenarios;

/// <summary>UDP: every size, fragmented or not, lost ones and all; and its limits.</summary>
public sealed class Datagrams
{
    public static TheoryData<ulong> FewSeeds => Seeds.First(10);

    [Theory]
    [InlineData(true, 1500, false)]
    [InlineData(false, 1500, false)]
    [InlineData(true, 1500, true)]
    [InlineData(false, 1500, true)]
    [InlineData(true, 576, false)]
    [InlineData(false, 1280, false)]
    [InlineData(true, 9000, false)]
    public void DatagramsOfEverySizeComeBack(bool v4, int mtu, bool offloads) => World.Simulate(1, world =>
    {
        Setup setup = new(world, options: new StackOptions { Mtu = mtu, Offloads = offloads, CutsDatagrams = offloads });
        TestUdp socket = setup.Host.OpenUdp(v4);
        int[] sizes = [0, 1, 7, 8, 500, mtu - 49, mtu - 48, mtu - 47, mtu - 29, mtu - 28, mtu - 27, 4_000, 8_000, 65_507];
        foreach (int size in sizes)
        {
            byte[] payload = new byte[size];
            Pattern.Fill(payload, (ulong)size, 0);
            socket.Received.Clear();
            socket.Send(v4 ? Setup.Web4 : Setup.Web6, payload);
            world.RunFor(1_000_000);
            (IpEndpoint from, ReadOnlyMemory<byte> back) = Assert.Single(socket.Received);
            Assert.Equal(v4 ? Setup.Web4 : Setup.Web6, from);
            Assert.True(back.Span.SequenceEqual(payload), $"{size} bytes came back changed");
        }

        setup.Rest();
        Assert.Equal(0, setup.Stack.OpenUdpFlows);
    });

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void WhatComesThroughALossyNetworkIsWhole(ulong seed) => World.Simulate(seed, world =>
    {
        Setup setup = new(world, new PipeOptions { Loss = 0.05, Reorder = 0.1, Duplicate = 0.05, Corrupt = 0.05, Jitter = 500 }, options: new StackOptions { Offloads = seed % 4 < 2, CutsDatagrams = seed % 4 == 0 });
        TestUdp socket = setup.Host.OpenUdp(seed % 2 == 0);
        for (int i = 0; i < 500; i++)
        {
            byte[] payload = new byte[16 + world.Random.Below(8_000)];
            BitConverter.TryWriteBytes(payload, i);
            BitConverter.TryWriteBytes(payload.AsSpan(4), payload.Length);
            Pattern.Fill(payload.AsSpan(8), (ulong)i, 0);
            socket.Send(seed % 2 == 0 ? Setup.Web4 : Setup.Web6, payload);
            world.RunFor(2_000);
        }

        world.RunFor(1_000_000);
        HashSet<int> seen = [];
        foreach ((_, ReadOnlyMemory<byte> payload) in socket.Received)
        {
            int i = BitConverter.ToInt32(payload.Span);
            Assert.Equal(payload.Length, BitConverter.ToInt32(payload.Span[4..]));
            Assert.Equal(-1, Pattern.FirstDifference(payload.Span[8..], (ulong)i, 0));
            seen.Add(i);
        }

        Assert.InRange(seen.Count, 100, 500);
        setup.Rest();
    });

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void RunsThatTheLinkCutsArriveAsTheDatagramsTheyWereAndInOrder(ulong seed) => World.Simulate(seed, world =>
    {
        Setup setup = new(world, options: new StackOptions { Offloads = true, CutsDatagrams = true });
        bool v4 = seed % 2 == 0;
        IpEndpoint[] sources = [v4 ? Setup.Web4 : Setup.Web6, (v4 ? Setup.Web4 : Setup.Web6) with { Port = 444 }];
        List<(IpEndpoint From, byte[] Payload)> sent = [];
        setup.Stack.OnDatagram = (flow, _, _) =>
        {
            int size = 0;
            for (int i = 0; i < 300; i++)
            {
                // Mostly of one size from one source, as floods are; then shorter, longer, empty, from elsewhere.
                size = i == 0 || world.Random.Below(10) == 0 ? world.Random.Below(world.Random.Below(4) == 0 ? 2_000 : 1_473) : size;
                byte[] payload = new byte[size];
                Pattern.Fill(payload, (ulong)i, 0);
                IpEndpoint from = sources[world.Random.Below(20) == 0 ? 1 : 0];
                if (flow.Send(from, payload, world.Now))
                {
                    sent.Add((from, payload));
                }
            }
        };
        TestUdp socket = setup.Host.OpenUdp(v4);
        socket.Send(sources[0], new byte[1]);
        world.RunFor(1_000_000);
        Assert.Equal(300, sent.Count);
        Assert.Equal(sent.Count, socket.Received.Count);
        for (int i = 0; i < sent.Count; i++)
        {
            Assert.Equal(sent[i].From, socket.Received[i].From);
            Assert.True(socket.Received[i].Payload.Span.SequenceEqual(sent[i].Payload), $"datagram {i} came changed");
        }

        setup.Rest();
    });

    [Fact]
    public void OneSocketIsOneFlowWhateverItsDestinations() => World.Simulate(1, world =>
    {
        Setup setup = new(world);
        HashSet<UdpFlow> flows = [];
        setup.Stack.OnDatagram = (flow, to, payload) =>
        {
            flows.Add(flow);
            flow.Send(to, payload.Span, world.Now);
        };
        TestUdp socket = setup.Host.OpenUdp();
        for (uint i = 1; i <= 50; i++)
        {
            socket.Send(new IpEndpoint(IpAddr.FromV4(0xC000_0200 + i), (ushort)i), new byte[10]);
        }

        world.RunFor(1_000_000);
        Assert.Single(flows);
        Assert.Equal(50, socket.Received.Count);
        setup.Rest();
    });

    [Theory]
    [InlineData(Refusal.Refused, true, 3, 3)]
    [InlineData(Refusal.Refused, false, 1, 4)]
    [InlineData(Refusal.NetworkUnreachable, true, 3, 0)]
    [InlineData(Refusal.NetworkUnreachable, false, 1, 0)]
    [InlineData(Refusal.Prohibited, true, 3, 13)]
    public void ARefusedDatagramIsToldByIcmp(object refusal, bool v4, byte type, byte code) => World.Simulate(1, world =>
    {
        Setup setup = new(world);
        setup.Stack.OnDatagram = (flow, to, _) => flow.Refuse(to, (Refusal)refusal, world.Now);
        TestUdp socket = setup.Host.OpenUdp(v4);
        IpEndpoint destination = v4 ? Setup.Web4 : Setup.Web6;
        socket.Send(destination, new byte[100]);
        world.RunFor(1_000_000);
        Assert.Equal((destination, type, code), Assert.Single(socket.Unreachable));
        setup.Rest();
    });

    [Fact]
    public void BeyondTheLimitTheFlowIdleTheLongestGoes() => World.Simulate(1, world =>
    {
        Setup setup = new(world, options: new StackOptions { MaxUdpFlows = 10 });
        for (int i = 0; i < 100; i++)
        {
            TestUdp socket = setup.Host.OpenUdp();
            socket.Send(Setup.Web4, new byte[10]);
            world.RunFor(1_000);
            Assert.Single(socket.Received);
        }

        Assert.Equal(10, setup.Stack.OpenUdpFlows);
        setup.Rest();
        Assert.Equal(0, setup.Stack.OpenUdpFlows);
    });

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void FragmentsThatNeverCompleteAreForgottenWithinTheLimit(ulong seed) => World.Simulate(seed, world =>
    {
        Setup setup = new(world, new PipeOptions { Loss = 0.3 }, PipeOptions.Perfect, new StackOptions { MaxFragmentBytes = 100_000 });
        TestUdp socket = setup.Host.OpenUdp(seed % 2 == 0);
        int most = 0;
        for (int i = 0; i < 300; i++)
        {
            socket.Send(seed % 2 == 0 ? Setup.Web4 : Setup.Web6, new byte[20_000]);
            world.RunFor(1_000);
            most = Math.Max(most, setup.Stack.Pool.Outstanding);
        }

        Assert.InRange(most, 1, 200);
        setup.Rest();
    });
}
