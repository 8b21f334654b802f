using System;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd;

/// <summary>The lab of this test process, with the peers that nearly every test needs. Made once; the tests of the collection run one after another.</summary>
public sealed class LabFixture : IDisposable
{
    private readonly Peer[] _peers = [];

    /// <summary>Makes the lab; does nothing without root, where every test of the lab is skipped.</summary>
    public LabFixture()
    {
        if (!LabNetwork.Possible)
        {
            return;
        }

        Network = new LabNetwork();
        Zone = new DnsZone(Network);
        Oracle = new LeakOracle(Network);
        Host internet = Network.Internet;
        HttpPeer http = new(Zone);
        _peers =
        [
            Peer.Udp(internet, 53, query => Zone.Answer(query.Span, stream: false), Network.Resolver, internet.V4, internet.V6),
            Peer.Tcp(internet, 53, Services.Dns(Zone)),
            Peer.Tcp(internet, 7, Services.EchoAsync),
            Peer.Udp(internet, 7, datagram => datagram),
            Peer.Tcp(internet, 9, Services.SilenceAsync),
            Peer.Tcp(internet, 10, Services.DigestAsync),
            Peer.Tcp(internet, 11, Services.WhoAsync),
            Peer.Tcp(internet, 19, Services.SendPayloadAsync),
            Peer.Tcp(internet, 80, http.ServeAsync),
        ];
    }

    /// <summary>The hosts.</summary>
    public LabNetwork Network { get; } = null!;

    /// <summary>The names that the lab's resolver knows.</summary>
    public DnsZone Zone { get; } = null!;

    /// <summary>Hears what leaves the client.</summary>
    public LeakOracle Oracle { get; } = null!;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Network is null)
        {
            return;
        }

        foreach (Peer peer in _peers)
        {
            peer.Dispose();
        }

        Oracle.Dispose();
        Network.Dispose();
    }
}

/// <summary>All tests that use the lab: one at a time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class LabCollection : ICollectionFixture<LabFixture>
{
    /// <summary>The collection's name.</summary>
    public const string Name = "lab";
}
