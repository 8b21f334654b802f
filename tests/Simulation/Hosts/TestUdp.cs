using System;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Tests.Simulation.Wire;

namespace Culvert.Tests.Simulation.Hosts;

/// <summary>A UDP socket of the test's machine.</summary>
internal sealed class TestUdp(TestHost host, IpEndpoint local)
{
    public IpEndpoint Local => local;

    public List<(IpEndpoint From, ReadOnlyMemory<byte> Payload)> Received { get; } = [];

    public List<(IpEndpoint Destination, byte Type, byte Code)> Unreachable { get; } = [];

    public void Send(IpEndpoint destination, ReadOnlyMemory<byte> payload) =>
        host.SendFragmented(new UdpDatagram(local, destination, payload).Packet());
}
