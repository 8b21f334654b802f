using System;
using System.Collections.Generic;
using System.Net;
using Culvert.Core.Mdns;

namespace Culvert.Fuzz.Targets;

/// <summary>Messages of multicast DNS of anybody: a gateway that is told of and a browser go on through them, and what they say can be read.</summary>
internal sealed class MdnsTarget : IFuzzTarget
{
    private readonly IMdnsParty[] _parties;
    private long _now = 1;

    private MdnsTarget(ulong seed)
    {
        _parties = [Gateway(seed), new MdnsBrowser(ServiceName.Gateways, seed)];
        foreach (IMdnsParty party in _parties)
        {
            party.Start(_now);
        }
    }

    public static FuzzTarget Entry { get; } = new("mdns", "messages of multicast DNS, the responder and the browser", Corpus, static seed => new MdnsTarget(seed));

    public void Run(ReadOnlySpan<byte> input)
    {
        if (!MdnsMessage.TryParse(input, out MdnsMessage message))
        {
            return;
        }

        _now += 37;
        foreach (IMdnsParty party in _parties)
        {
            party.Receive(message, isLegacy: input[^1] % 4 == 0, _now);
            if (party.Deadline <= _now)
            {
                party.Advance(_now);
            }

            while (party.TryTake(out MdnsOutgoing outgoing))
            {
                Expect.That(outgoing.Message.Length <= MdnsMessage.MaxSize && MdnsMessage.TryParse(outgoing.Message, out _), "what is said can be read");
            }
        }
    }

    public void Finish()
    {
        Expect.That(((MdnsBrowser)_parties[1]).Services.Count <= MdnsBrowser.MaxRecords, "what is found has a limit");
        foreach (IMdnsParty party in _parties)
        {
            party.Stop();
        }
    }

    private static MdnsResponder Gateway(ulong seed) => new("home", "culvert-1.local", 7443, ["v=1"], [IPAddress.Parse("192.0.2.7"), IPAddress.Parse("fe80::7")], seed);

    private static List<byte[]> Corpus()
    {
        List<byte[]> corpus = [];
        IMdnsParty[] parties = [Gateway(1), new MdnsBrowser(ServiceName.Gateways, 1)];
        foreach (IMdnsParty party in parties)
        {
            party.Start(0);
            for (long now = 0; now < 5000; now += 50)
            {
                party.Advance(now);
                while (party.TryTake(out MdnsOutgoing outgoing))
                {
                    corpus.Add(outgoing.Message);
                }
            }

            party.Stop();
            while (party.TryTake(out MdnsOutgoing last))
            {
                corpus.Add(last.Message);
            }
        }

        return corpus;
    }
}
