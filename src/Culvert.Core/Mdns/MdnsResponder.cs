using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using Culvert.Core.Dns;

namespace Culvert.Core.Mdns;

/// <summary>
/// Tells one link of one service by multicast DNS: makes sure that its name is nobody else's, announces it, answers who asks, and says good-bye (RFC 6762 sections 6 to 10,
/// RFC 6763). Messages and times in milliseconds go in, messages and the next deadline come out. The host's name is random and so nobody else's.
/// </summary>
public sealed class MdnsResponder : IMdnsParty
{
    /// <summary>Seconds that a host's name or a service's place may be kept (RFC 6762 section 10).</summary>
    public const uint HostTtl = 120;

    /// <summary>Seconds that other records may be kept.</summary>
    public const uint OtherTtl = 4500;

    /// <summary>Seconds that who asks from outside of multicast DNS may keep an answer (RFC 6762 section 6.7).</summary>
    public const uint LegacyTtl = 10;

    /// <summary>Addresses that are told at most.</summary>
    public const int MaxAddresses = 16;

    private const int Probes = 3;
    private const int Announcements = 2;
    private const int MaxWaiting = 16;

    // After so many conflicts names are tried slowly (RFC 6762 section 8.1).
    private const int ManyConflicts = 15;
    private const long SlowStart = 5000;

    private readonly string _wanted;
    private readonly string _host;
    private readonly ushort _port;
    private readonly string[] _text;
    private readonly Queue<MdnsOutgoing> _outgoing = [];
    private readonly Dictionary<(string Name, DnsType Type), long> _multicast = [];
    private readonly List<MdnsRecord> _delayed = [];
    private IReadOnlyList<IPAddress> _addresses;
    private MdnsTime _time;
    private State _state;
    private int _step;
    private int _number = 1;
    private long _stepAt = MdnsTime.Never;
    private long _answerAt = MdnsTime.Never;
    private bool _moreKnownFollows;

    /// <summary>A service that is not told of yet.</summary>
    /// <param name="name">What it is to be called; another number is put behind it while somebody else is called so.</param>
    /// <param name="host">The host's domain name, which holds so much chance that nobody else has it.</param>
    /// <param name="port">The service's port.</param>
    /// <param name="text">Strings of its TXT record.</param>
    /// <param name="addresses">The host's addresses on this link.</param>
    /// <param name="seed">For chance in times.</param>
    public MdnsResponder(string name, string host, ushort port, IReadOnlyList<string> text, IReadOnlyList<IPAddress> addresses, ulong seed)
    {
        _wanted = name;
        _host = host.ToLowerInvariant();
        _port = port;
        _text = [.. text];
        _addresses = [.. addresses.Take(MaxAddresses)];
        _time = new MdnsTime(seed);
        Name = name;
    }

    private enum State
    {
        Silent,
        Probing,
        Announcing,
        Told,
    }

    /// <summary>What the service is called now.</summary>
    public string Name { get; private set; }

    /// <summary>Whether the name is ours, and the service told of.</summary>
    public bool IsTold => _state is State.Announcing or State.Told;

    /// <inheritdoc/>
    public long Deadline => Math.Min(_stepAt, _answerAt);

    private string Instance => ServiceName.Of(Name, ServiceName.Gateways);

    /// <summary>Begins, by asking whether the name is somebody's.</summary>
    public void Start(long now) => Probe(now + _time.Between(0, MdnsTime.ProbeInterval));

    /// <inheritdoc/>
    public bool TryTake(out MdnsOutgoing outgoing) => _outgoing.TryDequeue(out outgoing);

    /// <summary>The host has other addresses now.</summary>
    public void SetAddresses(IReadOnlyList<IPAddress> addresses, long now)
    {
        if (addresses.Take(MaxAddresses).SequenceEqual(_addresses))
        {
            return;
        }

        _addresses = [.. addresses.Take(MaxAddresses)];
        if (IsTold)
        {
            Announce(now);
        }
    }

    /// <inheritdoc/>
    public void Stop()
    {
        if (IsTold)
        {
            Send(new MdnsMessage { IsResponse = true, Answers = [.. All().Select(static r => r with { Ttl = 0 })] });
        }

        _state = State.Silent;
        _stepAt = MdnsTime.Never;
        _answerAt = MdnsTime.Never;
    }

    /// <inheritdoc/>
    public void Advance(long now)
    {
        if (_answerAt <= now)
        {
            _answerAt = MdnsTime.Never;
            Answer(_delayed, now, toAsker: false, isUrgent: false);
            _delayed.Clear();
        }

        if (_stepAt > now)
        {
            return;
        }

        switch (_state)
        {
            case State.Probing when _step < Probes:
                _step++;
                _stepAt = now + MdnsTime.ProbeInterval;
                Send(new MdnsMessage { Questions = [new MdnsQuestion(Key(Instance), DnsType.Any, WantsUnicast: false)], Authorities = [.. Unique()] });
                break;
            case State.Probing:
                Announce(now);
                break;
            case State.Announcing when _step < Announcements:
                Tell(now);
                break;
            default:
                _state = _state == State.Announcing ? State.Told : _state;
                _stepAt = MdnsTime.Never;
                break;
        }
    }

    /// <inheritdoc/>
    public void Receive(MdnsMessage message, bool isLegacy, long now)
    {
        if (_state == State.Silent)
        {
            return;
        }

        if (message.IsResponse)
        {
            Defend(message, now);
        }
        else if (_state == State.Probing)
        {
            YieldTo(message.Authorities, now);
        }
        else
        {
            Answer(message, isLegacy, now);
        }
    }

    private static string Key(string name) => name.ToLowerInvariant();

    private static int Compare(in MdnsRecord one, in MdnsRecord other)
    {
        int order = one.Type.CompareTo(other.Type);
        return order != 0 ? order : one.Data.Span.SequenceCompareTo(other.Data.Span);
    }

    private void Probe(long at)
    {
        _state = State.Probing;
        _step = 0;
        _stepAt = at;
    }

    private void Announce(long now)
    {
        _state = State.Announcing;
        _step = 0;
        Tell(now);
    }

    private void Tell(long now)
    {
        _step++;
        _stepAt = now + MdnsTime.Second;
        List<MdnsRecord> all = [.. All()];
        Send(new MdnsMessage { IsResponse = true, Answers = all });
        Note(all, now);
    }

    // Somebody else says something of our name: it is theirs while we were only asking, and to be asked for again when it was ours.
    private void Defend(MdnsMessage message, long now)
    {
        string key = Key(Instance);
        List<MdnsRecord> ours = [.. Unique()];
        bool conflict = message.Answers.Concat(message.Additionals).Any(r =>
            r.Name == key && r.Ttl > 0 && (r.Type is DnsType.Srv or DnsType.Txt || _state == State.Probing) && !ours.Exists(o => o.Says(r)));
        if (!conflict)
        {
            return;
        }

        if (_state == State.Probing)
        {
            _number++;
            Name = ServiceName.Next(_wanted, _number);
        }

        Probe(now + (_number > ManyConflicts ? SlowStart : _time.Between(0, MdnsTime.ProbeInterval)));
    }

    // Two ask for the same name at once: whose records are later in order gets it (RFC 6762 section 8.2).
    private void YieldTo(IReadOnlyList<MdnsRecord> authorities, long now)
    {
        string key = Key(Instance);
        List<MdnsRecord> theirs = [.. authorities.Where(r => r.Name == key)];
        List<MdnsRecord> ours = [.. Unique()];
        if (theirs.Count == 0)
        {
            return;
        }

        theirs.Sort(static (a, b) => Compare(a, b));
        ours.Sort(static (a, b) => Compare(a, b));
        int order = 0;
        for (int i = 0; order == 0 && i < Math.Min(ours.Count, theirs.Count); i++)
        {
            order = Compare(ours[i], theirs[i]);
        }

        order = order != 0 ? order : ours.Count.CompareTo(theirs.Count);
        if (order < 0)
        {
            Probe(now + MdnsTime.Second);
        }
    }

    private void Answer(MdnsMessage query, bool isLegacy, long now)
    {
        if (query.Questions.Count == 0 && _moreKnownFollows)
        {
            _delayed.RemoveAll(ours => IsKnown(ours, query));
            return;
        }

        List<MdnsRecord> answers = [.. All().Where(ours => query.Questions.Any(q => q.Asks(ours)) && !IsKnown(ours, query))];
        if (answers.Count == 0)
        {
            return;
        }

        if (isLegacy)
        {
            Send(
                new MdnsMessage
                {
                    Id = query.Id,
                    IsResponse = true,
                    Questions = [.. query.Questions.Where(q => answers.Exists(a => q.Asks(a))).Distinct()],
                    Answers = [.. answers.Select(Short)],
                    Additionals = [.. Additional(answers).Select(Short)],
                },
                toAsker: true);
            return;
        }

        bool toAsker = query.Questions.All(static q => q.WantsUnicast);
        if (toAsker || answers.TrueForAll(static r => r.IsUnique))
        {
            Answer(answers, now, toAsker, isUrgent: query.Authorities.Count > 0);
            return;
        }

        // Many may have an answer to this: not all at once.
        _moreKnownFollows = query.IsTruncated;
        _delayed.AddRange(answers.Where(r => !_delayed.Exists(d => d.Says(r))));
        _answerAt = Math.Min(_answerAt, now + (query.IsTruncated ? _time.Between(400, 500) : _time.Between(20, 120)));
    }

    private void Answer(List<MdnsRecord> answers, long now, bool toAsker, bool isUrgent)
    {
        // What was told to all a moment ago need not be told again; a probe cannot wait as long.
        long least = isUrgent ? MdnsTime.ProbeInterval : MdnsTime.Second;
        List<MdnsRecord> news = [.. answers.Where(r => toAsker || !_multicast.TryGetValue((r.Name, r.Type), out long at) || now - at >= least)];
        if (news.Count == 0)
        {
            return;
        }

        Send(new MdnsMessage { IsResponse = true, Answers = news, Additionals = [.. Additional(news)] }, toAsker);
        if (!toAsker)
        {
            Note(news, now);
        }
    }

    private static bool IsKnown(MdnsRecord ours, MdnsMessage query) => query.Answers.Any(known => known.Says(ours) && known.Ttl >= ours.Ttl / 2);

    private static MdnsRecord Short(MdnsRecord record) => record with { IsUnique = false, Ttl = Math.Min(record.Ttl, LegacyTtl) };

    private void Note(List<MdnsRecord> records, long now) => records.ForEach(r => _multicast[(r.Name, r.Type)] = now);

    private IEnumerable<MdnsRecord> Additional(List<MdnsRecord> answers)
    {
        string key = Key(Instance);
        bool leadsToUs = answers.Exists(r => r.Type == DnsType.Ptr && Key(r.Target) == key);
        bool leadsToHost = leadsToUs || answers.Exists(static r => r.Type == DnsType.Srv);
        return (leadsToUs ? Unique() : []).Concat(leadsToHost ? Addresses() : []).Where(r => !answers.Exists(a => a.Says(r)));
    }

    private IEnumerable<MdnsRecord> All() =>
        new[] { MdnsRecord.Pointer(ServiceName.Gateways, Instance, OtherTtl), MdnsRecord.Pointer(ServiceName.Kinds, ServiceName.Gateways, OtherTtl) }.Concat(Unique()).Concat(Addresses());

    private IEnumerable<MdnsRecord> Unique() => [MdnsRecord.Service(Key(Instance), _host, _port, HostTtl), MdnsRecord.Text(Key(Instance), OtherTtl, _text)];

    private IEnumerable<MdnsRecord> Addresses() => _addresses.Select(a => MdnsRecord.Address(_host, a, HostTtl));

    private void Send(MdnsMessage message, bool toAsker = false)
    {
        if (_outgoing.Count < MaxWaiting)
        {
            _outgoing.Enqueue(new MdnsOutgoing(message.Write(), toAsker));
        }
    }
}
