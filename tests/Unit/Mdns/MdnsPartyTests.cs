using System.Collections.Generic;
using System.Linq;
using System.Net;
using Culvert.Core.Dns;
using Culvert.Core.Mdns;
using Xunit;

namespace Culvert.Tests.Unit.Mdns;

public sealed class MdnsPartyTests
{
    private static readonly IPAddress Address = IPAddress.Parse("192.0.2.7");

    private readonly MdnsSegment _segment = new();

    [Fact]
    public void AGatewayAsksThreeTimesThenTellsTwice()
    {
        MdnsResponder gateway = _segment.Join(Gateway("home"));
        long joined = _segment.Now;
        _segment.Run(10_000);
        Assert.True(gateway.IsTold);
        (long At, IMdnsParty From, MdnsMessage Message)[] probes = [.. _segment.Said.Where(static s => !s.Message.IsResponse)];
        Assert.Equal(3, probes.Length);
        Assert.InRange(probes[0].At - joined, 0, 250);
        Assert.All(probes, static p => Assert.Equal(DnsType.Any, Assert.Single(p.Message.Questions).Type));
        Assert.All(probes, static p => Assert.Equal([DnsType.Srv, DnsType.Txt], p.Message.Authorities.Select(static r => r.Type)));
        Assert.InRange(probes[2].At - probes[0].At, 500, 510);
        (long At, IMdnsParty From, MdnsMessage Message)[] told = [.. _segment.Said.Where(static s => s.Message.IsResponse)];
        Assert.Equal(2, told.Length);
        Assert.InRange(told[0].At - probes[2].At, 250, 260);
        Assert.InRange(told[1].At - told[0].At, 1000, 1010);
        Assert.Equal([DnsType.Ptr, DnsType.Ptr, DnsType.Srv, DnsType.Txt, DnsType.A], told[0].Message.Answers.Select(static r => r.Type));
        Assert.Equal([false, false, true, true, true], told[0].Message.Answers.Select(static r => r.IsUnique));
    }

    [Fact]
    public void ABrowserFindsWhoIsThereAndWhoComesAndForgetsWhoGoes()
    {
        MdnsResponder first = _segment.Join(Gateway("Anna's PC"));
        _segment.Run(5000);
        MdnsBrowser browser = _segment.Join(new MdnsBrowser(ServiceName.Gateways, 5));
        _segment.Run(1000);
        FoundService found = Assert.Single(browser.Services);
        Assert.Equal(("Anna's PC", "culvert-1.local", (ushort)7443), (found.Name, found.Host, found.Port));
        Assert.Equal([Address], found.Addresses);
        Assert.Equal((byte[])[3, (byte)'v', (byte)'=', (byte)'1'], found.Text.ToArray());

        MdnsResponder second = _segment.Join(Gateway("office", "culvert-2.local"));
        _segment.Run(5000);
        Assert.Equal(["Anna's PC", "office"], browser.Services.Select(static s => s.Name));
        _segment.Leave(first, saysGoodbye: true);
        _segment.Run(1500);
        Assert.Equal("office", Assert.Single(browser.Services).Name);
        _segment.Leave(second, saysGoodbye: false);
        _segment.Run(MdnsResponder.HostTtl * 1000);
        Assert.Empty(browser.Services); // its place is no longer known
    }

    [Fact]
    public void WhatIsStillThereIsAskedForBeforeItEnds()
    {
        _segment.Join(Gateway("home"));
        MdnsBrowser browser = _segment.Join(new MdnsBrowser(ServiceName.Gateways, 5));
        for (int minute = 0; minute < 200; minute++)
        {
            _segment.Run(60_000);
            Assert.Single(Assert.Single(browser.Services).Addresses);
        }

        // In more than three hours the open question is asked a dozen times; the place and its addresses, kept for two minutes, about every hundred seconds.
        Assert.InRange(_segment.Said.Count(s => s.From == browser), 100, 300);
    }

    [Fact]
    public void TheSecondOfANameTakesAnother()
    {
        MdnsResponder first = _segment.Join(Gateway("home"));
        _segment.Run(5000);
        MdnsResponder second = _segment.Join(Gateway("Home", "culvert-2.local"));
        MdnsResponder third = _segment.Join(Gateway("home", "culvert-3.local"));
        _segment.Run(20_000);
        Assert.Equal("home", first.Name);
        Assert.Equal(["Home (2)", "home (3)"], new[] { second.Name, third.Name }.Order(System.StringComparer.Ordinal).Select((n, i) => n[..^2] + (i + 2) + ")"));
        Assert.True(first.IsTold && second.IsTold && third.IsTold);
        MdnsBrowser browser = _segment.Join(new MdnsBrowser(ServiceName.Gateways, 5));
        _segment.Run(3000);
        Assert.Equal(3, browser.Services.Count);
    }

    [Fact]
    public void OfTwoAtOnceOneKeepsTheName()
    {
        for (ulong seed = 0; seed < 50; seed++)
        {
            MdnsSegment segment = new();
            MdnsResponder one = segment.Join(Gateway("home", "culvert-1.local", seed));
            MdnsResponder other = segment.Join(Gateway("home", "culvert-2.local", seed + 1000));
            segment.Run(20_000);
            Assert.True(one.IsTold && other.IsTold);
            Assert.Equal(["home", "home (2)"], new[] { one.Name, other.Name }.Order(System.StringComparer.Ordinal));
        }
    }

    [Fact]
    public void ItsOwnWordsFromAnotherCardAreNoConflict()
    {
        MdnsResponder one = _segment.Join(Gateway("home"));
        MdnsResponder same = _segment.Join(new MdnsResponder("home", "culvert-1.local", 7443, ["v=1"], [IPAddress.Parse("192.0.2.8")], 77));
        _segment.Run(20_000);
        Assert.Equal(("home", "home"), (one.Name, same.Name));
        Assert.True(one.IsTold && same.IsTold);
    }

    [Fact]
    public void ANameThatIsTakenAwayIsAskedForAgain()
    {
        MdnsResponder gateway = _segment.Join(Gateway("home"));
        _segment.Run(5000);
        MdnsRecord other = MdnsRecord.Service(ServiceName.Of("home", ServiceName.Gateways), "other.local", 1, 120);
        _segment.Ask(new MdnsMessage { IsResponse = true, Answers = [other] });
        Assert.False(gateway.IsTold);
        _segment.Run(100);
        _segment.Ask(new MdnsMessage { IsResponse = true, Answers = [other] });
        _segment.Run(5000);
        Assert.Equal(("home (2)", true), (gateway.Name, gateway.IsTold));
        _segment.Ask(new MdnsMessage { IsResponse = true, Answers = [other with { Name = "home\\032(2)._culvert._tcp.local", Ttl = 0 }] });
        Assert.True(gateway.IsTold); // a good-bye takes nothing
    }

    [Fact]
    public void WhoKnowsTheAnswerIsNotTold()
    {
        _segment.Join(Gateway("home"));
        _segment.Run(10_000);
        int before = _segment.Said.Count;
        MdnsQuestion question = new(ServiceName.Gateways, DnsType.Ptr, WantsUnicast: false);
        MdnsRecord known = MdnsRecord.Pointer(ServiceName.Gateways, ServiceName.Of("home", ServiceName.Gateways), (MdnsResponder.OtherTtl / 2) + 1);
        _segment.Ask(new MdnsMessage { Questions = [question], Answers = [known] });
        _segment.Run(2000);
        Assert.Equal(before, _segment.Said.Count);
        _segment.Ask(new MdnsMessage { Questions = [question], Answers = [known with { Ttl = (MdnsResponder.OtherTtl / 2) - 1 }] });
        long asked = _segment.Now;
        _segment.Run(2000);
        (long at, _, MdnsMessage answer) = Assert.Single(_segment.Said.Skip(before));
        Assert.InRange(at - asked, 20, 120);
        Assert.Equal([DnsType.Srv, DnsType.Txt, DnsType.A], answer.Additionals.Select(static r => r.Type));

        // What more the asker knows comes in another message.
        _segment.Ask(new MdnsMessage { Questions = [question], IsTruncated = true });
        _segment.Run(100);
        _segment.Ask(new MdnsMessage { Answers = [known] });
        _segment.Run(2000);
        Assert.Equal(before + 1, _segment.Said.Count);
    }

    [Fact]
    public void AllAreToldOnceASecondAtMost()
    {
        _segment.Join(Gateway("home"));
        _segment.Run(10_000);
        int before = _segment.Said.Count;
        for (int i = 0; i < 50; i++)
        {
            _segment.Ask(new MdnsMessage { Questions = [new MdnsQuestion(Key("home"), DnsType.Srv, WantsUnicast: false)] });
            _segment.Run(20);
        }

        Assert.InRange(_segment.Said.Count - before, 1, 2);
    }

    [Fact]
    public void WhoWantsItAloneGetsItAlone()
    {
        _segment.Join(Gateway("home"));
        _segment.Run(5000);
        MdnsMessage alone = Assert.Single(_segment.Ask(new MdnsMessage { Questions = [new MdnsQuestion(ServiceName.Gateways, DnsType.Ptr, WantsUnicast: true)] }));
        Assert.True(alone.Answers[0].Ttl == MdnsResponder.OtherTtl);

        // Who knows ordinary DNS only gets his question and identifier back, times that are short, and no bits that he does not know.
        MdnsMessage legacy = Assert.Single(_segment.Ask(new MdnsMessage { Id = 99, Questions = [new MdnsQuestion("culvert-1.local", DnsType.A, WantsUnicast: false)] }, isLegacy: true));
        Assert.Equal((99, 1), (legacy.Id, legacy.Questions.Count));
        Assert.All(legacy.Answers, static r => Assert.True(!r.IsUnique && r.Ttl <= MdnsResponder.LegacyTtl));
        Assert.Empty(_segment.Ask(new MdnsMessage { Questions = [new MdnsQuestion("somebody.local", DnsType.Any, WantsUnicast: true)] }));
        Assert.Single(_segment.Ask(new MdnsMessage { Questions = [new MdnsQuestion(ServiceName.Kinds, DnsType.Ptr, WantsUnicast: true)] }));
    }

    [Fact]
    public void NewAddressesAreToldAndTakeThePlaceOfTheOld()
    {
        MdnsResponder gateway = _segment.Join(Gateway("home"));
        MdnsBrowser browser = _segment.Join(new MdnsBrowser(ServiceName.Gateways, 5));
        _segment.Run(5000);
        gateway.SetAddresses([IPAddress.Parse("192.0.2.99")], _segment.Now);
        _segment.Run(3000);
        Assert.Equal([IPAddress.Parse("192.0.2.99")], Assert.Single(browser.Services).Addresses);
    }

    [Fact]
    public void NothingIsToldButNamePortAndVersion()
    {
        _segment.Join(Gateway("home"));
        _segment.Run(5000);
        MdnsMessage told = _segment.Said.Last(static s => s.Message.IsResponse).Message;
        Assert.All(told.Answers, static r => Assert.True(r.Name is ServiceName.Gateways or ServiceName.Kinds or "home._culvert._tcp.local" or "culvert-1.local", r.Name));
        Assert.Equal((byte[])[3, (byte)'v', (byte)'=', (byte)'1'], told.Answers.Single(static r => r.Type == DnsType.Txt).Data.ToArray());
    }

    [Fact]
    public void AFloodOfServicesIsBounded()
    {
        MdnsBrowser browser = _segment.Join(new MdnsBrowser(ServiceName.Gateways, 5));
        for (int i = 0; i < 300; i++)
        {
            List<MdnsRecord> pointers = [];
            for (int j = 0; j < 20; j++)
            {
                pointers.Add(MdnsRecord.Pointer(ServiceName.Gateways, ServiceName.Of($"{i}-{j}-{new string('x', 40)}", ServiceName.Gateways), 4500));
            }

            _segment.Ask(new MdnsMessage { IsResponse = true, Answers = pointers });
        }

        int before = _segment.Said.Count;
        _segment.Run(2000);
        Assert.InRange(_segment.Said.Count - before, 1, 2000);
        Assert.Empty(browser.Services);
    }

    private static string Key(string name) => ServiceName.Of(name, ServiceName.Gateways).ToLowerInvariant();

    private static MdnsResponder Gateway(string name, string host = "culvert-1.local", ulong seed = 1) => new(name, host, 7443, ["v=1"], [Address], seed);
}
