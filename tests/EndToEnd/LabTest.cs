using System;
using System.Collections.Generic;
using Culvert.Tests.Lab;
using Xunit;

namespace Culvert.Tests.EndToEnd;

/// <summary>
/// A test in the lab. Before it, the machine's state is taken and the oracle forgets; after it, the machine must be as it was, and every packet
/// that left the client must have been allowed by the test's rule.
/// </summary>
[Collection(LabCollection.Name)]
public abstract class LabTest : IDisposable
{
    private readonly Snapshot _before;
    private readonly Stack<IDisposable> _owned = new();
    private string _ruleName;
    private Func<SentPacket, bool> _rule;

    /// <summary>Begins a test: nothing may leave the client but what a direct exit sends.</summary>
    protected LabTest(LabFixture fixture)
    {
        Fixture = fixture;
        Network = fixture.Network;
        _before = Snapshot.Take(Network);
        fixture.Oracle.Reset();
        // Through the direct exit, what leaves must come from the engine's own sockets: the client's addresses, and names asked of the client's resolver alone.
        _ruleName = "from the client's own addresses, names only to its resolver";
        _rule = packet => (Network.Client.V4.Equals(packet.Source) || Network.Client.V6.Equals(packet.Source)) && (packet.Port != 53 || Network.Resolver.Equals(packet.Destination));
    }

    /// <summary>The lab and its peers.</summary>
    protected LabFixture Fixture { get; }

    /// <summary>The hosts.</summary>
    protected LabNetwork Network { get; }

    /// <summary>The strict rule: only the exit's proxy on <paramref name="port"/> may be spoken to (and its UDP relay, where <paramref name="datagrams"/>).</summary>
    protected void OnlyTheExit(int port = 1080, bool datagrams = false) => Only(
        $"only to the exit's port {port}{(datagrams ? " and its UDP relay" : "")}",
        packet => Network.Exit.V4.Equals(packet.Destination) && ((packet.Protocol == 6 && packet.Port == port) || (datagrams && packet.Protocol == 17)));

    /// <summary>Replaces the rule for what may leave the client.</summary>
    protected void Only(string name, Func<SentPacket, bool> rule) => (_ruleName, _rule) = (name, rule);

    /// <summary>Has <paramref name="resource"/> disposed at the end of the test, before its verdict.</summary>
    protected T Own<T>(T resource)
        where T : IDisposable
    {
        _owned.Push(resource);
        return resource;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        List<Exception> failures = [];
        while (_owned.TryPop(out IDisposable? resource))
        {
            Try(resource.Dispose, failures);
        }

        Try(() => Fixture.Oracle.Verify(_ruleName, _rule), failures);
        Try(() => _before.VerifyRestored(Network), failures);
        if (failures.Count > 0)
        {
            throw failures.Count == 1 ? failures[0] : new AggregateException(failures);
        }
    }

    private static void Try(Action action, List<Exception> failures)
    {
        try
        {
            action();
        }
#pragma warning disable CA1031 // every part of the verdict is wanted, and all are thrown together
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failures.Add(exception);
        }
    }
}
