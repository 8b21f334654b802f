using System;
using System.Collections.Generic;

namespace Culvert.Core.Session;

/// <summary>
/// The sessions that a gateway can go on with, by ticket and device. <typeparamref name="T"/> is what the gateway keeps of a session. Not safe for use from two threads at a time.
/// </summary>
/// <param name="limit">Sessions at a time; beyond, none more is taken, and the device is told that its session cannot be resumed when it tries.</param>
public sealed class ResumeTable<T>(int limit)
    where T : class
{
    private const int Remembered = 4_096;

    private readonly Dictionary<Bytes32, Entry> _entries = [];
    private readonly HashSet<Bytes32> _used = [];
    private readonly Queue<Bytes32> _usedInOrder = new();

    /// <summary>Sessions in it.</summary>
    public int Count => _entries.Count;

    /// <summary>
    /// A session began; <paramref name="ticket"/> is its device's first, <paramref name="device"/> identifies the device's key. False where the limit is reached, or the ticket is
    /// none or taken.
    /// </summary>
    public bool TryAdd(Bytes32 ticket, string device, T session)
    {
        if (ticket.IsNone || _entries.Count >= limit || _used.Contains(ticket))
        {
            return false;
        }

        return _entries.TryAdd(ticket, new Entry(ticket, device, session));
    }

    /// <summary>
    /// A device wants to go on. None: <paramref name="session"/> is to be attached by <see cref="VshpSession.Reattach"/>, and its ticket is now the next one. Otherwise the reason for
    /// GONE. <paramref name="heard"/> tells whether a frame has come since the session was attached last (<see cref="VshpSession.HeardSinceAttach"/>).
    /// </summary>
    public VshpReason TryTake(in Resume resume, string device, Func<T, bool> heard, out T? session)
    {
        session = null;
        if (_entries.TryGetValue(resume.Ticket, out Entry? entry) && entry.Device == device)
        {
            if (_entries.ContainsKey(resume.Next) || _used.Contains(resume.Next))
            {
                return VshpReason.TicketUsed;
            }

            _entries.Remove(resume.Ticket);
            entry.Previous = resume.Ticket;
            entry.Ticket = resume.Next;
            _entries.Add(resume.Next, entry);
            Remember(resume.Ticket);
            session = entry.Session;
            return VshpReason.None;
        }

        // Said again, since the answer was lost: only who made the first RESUME knows the next ticket.
        if (_entries.TryGetValue(resume.Next, out entry) && entry.Device == device && entry.Previous == resume.Ticket && !heard(entry.Session))
        {
            session = entry.Session;
            return VshpReason.None;
        }

        return _used.Contains(resume.Ticket) ? VshpReason.TicketUsed : VshpReason.TicketUnknown;
    }

    /// <summary>The session is over.</summary>
    public void Remove(T session)
    {
        foreach ((Bytes32 ticket, Entry entry) in _entries)
        {
            if (ReferenceEquals(entry.Session, session))
            {
                _entries.Remove(ticket);
                return;
            }
        }
    }

    /// <summary>Tickets that were used are remembered to tell used from unknown; the oldest are forgotten, and then unknown.</summary>
    private void Remember(Bytes32 ticket)
    {
        if (_used.Add(ticket))
        {
            _usedInOrder.Enqueue(ticket);
        }

        if (_usedInOrder.Count > Remembered)
        {
            _used.Remove(_usedInOrder.Dequeue());
        }
    }

    private sealed class Entry(Bytes32 ticket, string device, T session)
    {
        public Bytes32 Ticket { get; set; } = ticket;

        public Bytes32 Previous { get; set; }

        public string Device { get; } = device;

        public T Session { get; } = session;
    }
}
