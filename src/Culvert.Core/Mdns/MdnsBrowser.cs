using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using Culvert.Core.Dns;

namespace Culvert.Core.Mdns;

/// <summary>
/// Finds the services of one kind on a link by multicast DNS: asks, ever more seldom, saying what it knows already; keeps what it hears for as long as that says, and asks
/// again before it ends (RFC 6762 sections 5.2, 7.1 and 10). Messages and times in milliseconds go in, messages and the next deadline come out.
/// </summary>
public sealed class MdnsBrowser : IMdnsParty
{
    /// <summary>Records that are kept at most; more are not taken.</summary>
    public const int MaxRecords = 1024;

    private const long LongestInterval = 60 * 60 * 1000;
    private const int MaxTries = 3;
    private const int MaxWants = 64;

    // What passes any link in one piece, less the heads.
    private const int MaxMessage = 1200;
    private const int QuestionFields = 4;

    private readonly string _service;
    private readonly List<Entry> _entries = [];
    private readonly Dictionary<(string Name, DnsType Type), Want> _wants = [];
    private readonly Queue<MdnsOutgoing> _outgoing = [];
    private MdnsTime _time;
    private long _queryAt = MdnsTime.Never;
    private long _interval = MdnsTime.Second;

    /// <summary>A browser for <paramref name="service"/>, as <see cref="ServiceName.Gateways"/>; <paramref name="seed"/> is for chance in times.</summary>
    public MdnsBrowser(string service, ulong seed)
    {
        _service = service.ToLowerInvariant();
        _time = new MdnsTime(seed);
    }

    /// <inheritdoc/>
    public long Deadline
    {
        get
        {
            long first = _queryAt;
            foreach (Entry entry in _entries)
            {
                first = Math.Min(first, Math.Min(entry.Expires, entry.RefreshAt));
            }

            foreach (Want want in _wants.Values)
            {
                first = Math.Min(first, want.At);
            }

            return first;
        }
    }

    /// <summary>What is there now: every service whose place is known, by name.</summary>
    public IReadOnlyList<FoundService> Services
    {
        get
        {
            List<FoundService> found = [];
            foreach (Entry pointer in _entries.Where(static e => e.IsPointer))
            {
                string instance = pointer.Target;
                if (ServiceName.TryReadLabel(pointer.Record.TargetWire, out string name) && Find(instance, DnsType.Srv) is { } place)
                {
                    string host = place.Target;
                    IPAddress[] addresses = [.. _entries.Where(e => e.Record.Name == host && e.Record.Type is DnsType.A or DnsType.Aaaa).Select(static e => new IPAddress(e.Record.Data.Span))];
                    ushort port = BinaryPrimitives.ReadUInt16BigEndian(place.Record.Data.Span[4..]);
                    found.Add(new FoundService(name, host, port, addresses, Find(instance, DnsType.Txt)?.Record.Data ?? default));
                }
            }

            found.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
            return found;
        }
    }

    /// <inheritdoc/>
    public void Start(long now) => _queryAt = now + _time.Between(20, 120);

    /// <inheritdoc/>
    public bool TryTake(out MdnsOutgoing outgoing) => _outgoing.TryDequeue(out outgoing);

    /// <inheritdoc/>
    public void Receive(MdnsMessage message, bool isLegacy, long now)
    {
        // An answer from another port is none (RFC 6762 section 6).
        if (!message.IsResponse || isLegacy)
        {
            return;
        }

        // First who is there, then where, then the addresses: each is of interest only when the one before it is.
        List<MdnsRecord> records = [.. message.Answers.Concat(message.Additionals)];
        Keep(records.Where(IsPointer), now);
        HashSet<string> instances = [.. _entries.Where(static e => e.IsPointer).Select(static e => e.Target)];
        Keep(records.Where(r => r.Type is DnsType.Srv or DnsType.Txt && instances.Contains(r.Name)), now);
        HashSet<string> hosts = [.. _entries.Where(static e => e.Record.Type == DnsType.Srv).Select(static e => e.Target)];
        Keep(records.Where(r => r.Type is DnsType.A or DnsType.Aaaa && hosts.Contains(r.Name)), now);
        WantMore(instances, hosts, now);
    }

    /// <inheritdoc/>
    public void Advance(long now)
    {
        _entries.RemoveAll(e => e.Expires <= now);
        List<MdnsQuestion> questions = [];
        if (_queryAt <= now)
        {
            questions.Add(new MdnsQuestion(_service, DnsType.Ptr, WantsUnicast: false));
            _queryAt = now + _interval;
            _interval = Math.Min(_interval * 2, LongestInterval);
        }

        int room = MaxMessage - DnsName.MaxWire;
        foreach (Entry entry in _entries.Where(e => e.RefreshAt <= now))
        {
            if (TryAsk(questions, ref room, entry.Record.Name, entry.Record.Type))
            {
                entry.RefreshNext();
            }
        }

        foreach (((string name, DnsType type), Want want) in _wants.ToArray())
        {
            if (Find(name, type) is not null || want.Tries >= MaxTries)
            {
                _wants.Remove((name, type));
            }
            else if (want.At <= now && TryAsk(questions, ref room, name, type))
            {
                _wants[(name, type)] = new Want(now + (MdnsTime.Second << want.Tries), want.Tries + 1);
            }
        }

        if (questions.Count > 0)
        {
            _outgoing.Enqueue(new MdnsOutgoing(new MdnsMessage { Questions = questions, Answers = Known(questions, room, now) }.Write(), ToAsker: false));
        }
    }

    // What finds no room is asked for in the next message.
    private static bool TryAsk(List<MdnsQuestion> questions, ref int room, string name, DnsType type)
    {
        MdnsQuestion question = new(name, type, WantsUnicast: false);
        if (questions.Contains(question))
        {
            return true;
        }

        if (room < DnsName.MaxWire + QuestionFields)
        {
            return false;
        }

        room -= DnsName.MaxWire + QuestionFields;
        questions.Add(question);
        return true;
    }

    private bool IsPointer(MdnsRecord record) => record.Type == DnsType.Ptr && record.Name == _service && record.Target.EndsWith("." + _service, StringComparison.Ordinal);

    private Entry? Find(string name, DnsType type) => _entries.Find(e => e.Record.Name == name && e.Record.Type == type);

    // Pointers that will last for long enough need not be told again; those that find no room will be.
    private List<MdnsRecord> Known(List<MdnsQuestion> questions, int room, long now)
    {
        List<MdnsRecord> known = [];
        if (!questions.Exists(static q => q.Type == DnsType.Ptr))
        {
            return known;
        }

        foreach (Entry entry in _entries.Where(e => e.IsPointer && e.Left(now) >= e.Record.Ttl / 2))
        {
            room -= _service.Length + 2 + MdnsRecord.Fields + entry.Record.Data.Length;
            if (room < 0)
            {
                break;
            }

            known.Add(entry.Record with { Ttl = (uint)entry.Left(now) });
        }

        return known;
    }

    private void Keep(IEnumerable<MdnsRecord> heard, long now)
    {
        List<MdnsRecord> records = [.. heard];
        foreach (MdnsRecord record in records)
        {
            Entry? known = _entries.Find(e => e.Record.Says(record));
            if (record.Ttl == 0)
            {
                known?.EndAt(now + MdnsTime.Second);
            }
            else if (known is not null)
            {
                known.Renew(record, now);
            }
            else if (_entries.Count < MaxRecords)
            {
                _entries.Add(new Entry(record, IsPointer(record), now));
            }

            if (record.IsUnique)
            {
                // What was said before of this name and type, and is not said now, is over (RFC 6762 section 10.2).
                foreach (Entry old in _entries.Where(e => e.Record.Name == record.Name && e.Record.Type == record.Type && now - e.Heard > MdnsTime.Second && !records.Exists(r => r.Says(e.Record))))
                {
                    old.EndAt(now + MdnsTime.Second);
                }
            }
        }
    }

    private void WantMore(HashSet<string> instances, HashSet<string> hosts, long now)
    {
        foreach (string instance in instances)
        {
            Wish(instance, DnsType.Srv, now);
            Wish(instance, DnsType.Txt, now);
        }

        foreach (string host in hosts.Where(h => Find(h, DnsType.A) is null && Find(h, DnsType.Aaaa) is null))
        {
            Wish(host, DnsType.A, now);
            Wish(host, DnsType.Aaaa, now);
        }
    }

    private void Wish(string name, DnsType type, long now)
    {
        if (_wants.Count < MaxWants && Find(name, type) is null)
        {
            _wants.TryAdd((name, type), new Want(now + _time.Between(20, 120), 0));
        }
    }

    /// <inheritdoc/>
    public void Stop() => _queryAt = MdnsTime.Never;

    private readonly record struct Want(long At, int Tries);

    /// <summary>A record that is kept.</summary>
    private sealed class Entry(MdnsRecord record, bool isPointer, long now)
    {
        private int _refreshes;

        public MdnsRecord Record { get; private set; } = record;

        /// <summary>Whether it leads to a service of the kind looked for.</summary>
        public bool IsPointer { get; } = isPointer;

        /// <summary>Where it leads.</summary>
        public string Target { get; } = record.Target;

        public long Heard { get; private set; } = now;

        public long Expires { get; private set; } = now + (record.Ttl * 1000L);

        // At 80, 85, 90 and 95 percent of its time (RFC 6762 section 5.2).
        public long RefreshAt => _refreshes < 4 ? Heard + (Record.Ttl * 10L * (80 + (5 * _refreshes))) : MdnsTime.Never;

        public long Left(long now) => (Expires - now) / 1000;

        public void Renew(MdnsRecord record, long now)
        {
            Record = record;
            Heard = now;
            Expires = now + (record.Ttl * 1000L);
            _refreshes = 0;
        }

        public void EndAt(long time)
        {
            Expires = Math.Min(Expires, time);
            _refreshes = int.MaxValue;
        }

        public void RefreshNext() => _refreshes++;
    }
}
