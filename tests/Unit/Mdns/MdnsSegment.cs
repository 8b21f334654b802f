using System;
using System.Collections.Generic;
using System.Linq;
using Culvert.Core.Mdns;

namespace Culvert.Tests.Unit.Mdns;

/// <summary>A link with several parties of multicast DNS, and time as a number: what one says all hear, itself included, a millisecond later.</summary>
internal sealed class MdnsSegment
{
    private readonly List<IMdnsParty> _parties = [];
    private readonly Queue<byte[]> _wire = [];

    public long Now { get; private set; } = 1_000_000;

    /// <summary>All that was said, with its time.</summary>
    public List<(long At, IMdnsParty From, MdnsMessage Message)> Said { get; } = [];

    public T Join<T>(T party)
        where T : IMdnsParty
    {
        _parties.Add(party);
        party.Start(Now);
        return party;
    }

    public void Leave(IMdnsParty party, bool saysGoodbye)
    {
        if (saysGoodbye)
        {
            party.Stop();
            Collect();
        }

        _parties.Remove(party);
    }

    /// <summary>Lets time pass.</summary>
    public void Run(long milliseconds)
    {
        long end = Now + milliseconds;
        while (true)
        {
            Collect();
            if (_wire.TryDequeue(out byte[]? next))
            {
                Now++;
                if (MdnsMessage.TryParse(next, out MdnsMessage message))
                {
                    _parties.ForEach(p => p.Receive(message, isLegacy: false, Now));
                }

                continue;
            }

            long due = _parties.Select(static p => p.Deadline).Append(long.MaxValue).Min();
            if (due > end)
            {
                Now = Math.Max(Now, end);
                return;
            }

            Now = Math.Max(Now, due);
            _parties.ForEach(p => p.Advance(Now));
        }
    }

    /// <summary>A message from somebody else; what is answered to the asker alone is given back.</summary>
    public List<MdnsMessage> Ask(MdnsMessage message, bool isLegacy = false)
    {
        Now++;
        if (!MdnsMessage.TryParse(message.Write(), out MdnsMessage read))
        {
            throw new ArgumentException("Not a message.", nameof(message));
        }

        List<MdnsMessage> answers = [];
        foreach (IMdnsParty party in _parties)
        {
            party.Receive(read, isLegacy, Now);
            while (party.TryTake(out MdnsOutgoing outgoing))
            {
                Hear(party, outgoing);
                if (outgoing.ToAsker)
                {
                    answers.Add(Said[^1].Message);
                }
                else
                {
                    _wire.Enqueue(outgoing.Message);
                }
            }
        }

        return answers;
    }

    private void Collect()
    {
        foreach (IMdnsParty party in _parties)
        {
            while (party.TryTake(out MdnsOutgoing outgoing))
            {
                Hear(party, outgoing);
                _wire.Enqueue(outgoing.Message);
            }
        }
    }

    private void Hear(IMdnsParty party, MdnsOutgoing outgoing)
    {
        if (!MdnsMessage.TryParse(outgoing.Message, out MdnsMessage message))
        {
            throw new InvalidOperationException("A party wrote what cannot be read.");
        }

        Said.Add((Now, party, message));
    }
}
