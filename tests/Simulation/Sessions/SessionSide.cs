using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Core.Session;

namespace Culvert.Tests.Simulation.Sessions;

/// <summary>One side's session and what uses it: opens streams, writes and reads them by the plan, asks questions, sends datagrams, and checks all that comes.</summary>
internal sealed class SessionSide(VshpSession session, SessionPlan plan, Randomness random, bool isDevice)
{
    private readonly List<Use> _uses = [];
    private readonly List<VshpQuestion> _questions = [];
    private readonly HashSet<long> _datagrams = [];
    private VshpAssociation? _ours;
    private VshpAssociation? _theirs;
    private long _datagramsSent;

    public VshpSession Session => session;

    public int ToOpen { get; set; }

    public int ToAsk { get; set; }

    public bool WantsAssociation { get; set; }

    public bool IsSilent { get; private set; }

    public bool IsDone => ToOpen == 0 && ToAsk == 0 && _uses.Count == 0 && _questions.Count == 0;

    /// <summary>Takes the events there are, and then does something now and then.</summary>
    public void Turn(long now)
    {
        while (session.TryNextEvent(out SessionEvent happened))
        {
            Take(happened);
        }

        if (session.OpenRefusal == VshpReason.None && ToOpen > 0 && random.Below(3) == 0)
        {
            ToOpen--;
            VshpStream stream = session.Open(VshpDestination.To(IpAddr.FromV4(0xC000_0207), 443), now) ?? throw new SimulationFailedException("a stream was not opened");
            Add(stream);
        }

        if (session.OpenRefusal == VshpReason.None && ToAsk > 0 && random.Below(8) == 0)
        {
            byte[] message = new byte[12 + random.Below(2_000)];
            Pattern.Fill(message, plan.Seed, 0);
            ToAsk--;
            _questions.Add(session.Ask(message) ?? throw new SimulationFailedException("a question was not asked"));
        }

        if (WantsAssociation && session.OpenRefusal == VshpReason.None)
        {
            WantsAssociation = false;
            _ours = session.Associate();
        }

        SendDatagram(_ours);
        SendDatagram(_theirs);
        for (int i = _uses.Count - 1; i >= 0; i--)
        {
            Use use = _uses[i];
            Write(use, now);
            Read(use);
            if (use.Stream.IsOver && use.Stream.Received.IsEmpty)
            {
                CheckEnd(use);
                use.Stream.Release();
                _uses.RemoveAt(i);
            }
        }
    }

    public void Reattached() => IsSilent = false;

    /// <summary>Lets go of what is left once the session is over.</summary>
    public void Finish()
    {
        while (session.TryNextEvent(out SessionEvent happened))
        {
            happened.Buffer?.Release();
            happened.Stream?.Release();
            happened.Question?.Release();
            happened.Association?.Release(VshpReason.Cancelled);
        }

        _uses.ForEach(static use => use.Stream.Release());
        _questions.ForEach(static question => question.Release());
        _ours?.Release(VshpReason.Cancelled);
        _theirs?.Release(VshpReason.Cancelled);
    }

    public override string ToString()
    {
        string state = $"{(isDevice ? "device" : "gateway")}: to open {ToOpen}, to ask {ToAsk}, questions {_questions.Count}, attached {session.IsAttached}, over {session.IsOver} {session.EndReason} {session.EndText}";
        foreach (Use use in _uses)
        {
            state += $"\n  stream {use.Stream.Id}: sent {use.Sent} of {use.ToSend}, read {use.Got} of {use.ToGet}, unread {use.Stream.Received.Length}, end {use.Stream.ReceiveFinished}, over {use.Stream.IsOver}";
        }

        return state;
    }

    private static void Check(bool holds, string rule)
    {
        if (!holds)
        {
            throw new SimulationFailedException(rule);
        }
    }

    private void Take(in SessionEvent happened)
    {
        switch (happened.Kind)
        {
            case SessionEventKind.Asked when happened.Stream is { } stream:
                if (plan.IsRefused(stream.Id))
                {
                    stream.Refuse(VshpReason.Refused);
                }
                else
                {
                    stream.Accept();
                    Add(stream);
                }

                break;
            case SessionEventKind.Asked when happened.Question is { } question:
                Check(Pattern.FirstDifference(question.Message.Span, plan.Seed, 0) < 0, "a question comes as it was asked");
                byte[] answer = new byte[question.Message.Length];
                Pattern.Fill(answer, plan.Seed + 1, 0);
                question.Answer(answer);
                break;
            case SessionEventKind.Asked:
                _theirs = happened.Association!;
                _theirs.Accept();
                break;
            case SessionEventKind.Closed when happened.Question is { } question:
                Check(question.CloseReason == VshpReason.None, "a question is answered");
                Check(Pattern.FirstDifference(question.Message.Span, plan.Seed + 1, 0) < 0, "an answer comes as it was given");
                Check(_questions.Remove(question), "a question is answered once");
                question.Release();
                break;
            case SessionEventKind.Datagram:
                Check(Pattern.FirstDifference(happened.Buffer!.Span[8..], plan.Seed + 2, 0) < 0, "a datagram comes as it was sent");
                Check(_datagrams.Add(BinaryPrimitives.ReadInt64BigEndian(happened.Buffer.Span) * 2 + (happened.Association == _ours ? 1 : 0)), "a datagram comes once");
                happened.Buffer.Release();
                break;
            case SessionEventKind.TransportSilent:
                IsSilent = true;
                break;
            case SessionEventKind.Ended:
                throw new SimulationFailedException($"the session ended: {session.EndReason} {session.EndText}");
        }
    }

    private void Add(VshpStream stream)
    {
        bool opener = stream.IsOurs;
        _uses.Add(new Use(stream, plan.Size(stream.Id, opener), plan.Size(stream.Id, !opener), opener ? plan.ResetAfter(stream.Id) : -1));
    }

    private void SendDatagram(VshpAssociation? association)
    {
        if (association is not null && random.Below(10) == 0)
        {
            Span<byte> datagram = stackalloc byte[8 + random.Below(1_200)];
            Pattern.Fill(datagram[8..], plan.Seed + 2, 0);
            BinaryPrimitives.WriteInt64BigEndian(datagram, _datagramsSent++);
            association.Send(VshpDestination.To(IpAddr.FromV4(0xC000_0207), 53), datagram);
        }
    }

    private void Write(Use use, long now)
    {
        if (use.Stream.IsOver || use.Finished || random.Below(3) == 0)
        {
            return;
        }

        if (use.Sent == use.ResetAfter)
        {
            use.Stream.Reset(VshpReason.Cancelled);
            return;
        }

        long until = use.ResetAfter >= 0 ? use.ResetAfter : use.ToSend;
        Memory<byte> room = use.Sent < until ? use.Stream.GetMemory() : default;
        if (!room.IsEmpty)
        {
            int count = (int)Math.Min(Math.Min(room.Length, until - use.Sent), 1 + random.Below(random.Below(4) == 0 ? 66_000 : 1_500));
            Pattern.Fill(room.Span[..count], plan.Content(use.Stream.Id, use.Stream.IsOurs), use.Sent);
            use.Stream.Advance(count);
            use.Sent += count;
        }

        if (use.Sent == use.ToSend && use.ResetAfter < 0)
        {
            use.Finished = true;
            use.Stream.Finish();
        }

        _ = now;
    }

    private void Read(Use use)
    {
        ReadOnlySequence<byte> received = use.Stream.Received;
        if (received.IsEmpty || random.Below(plan.IsSlow(use.Stream.Id) ? 40 : 2) != 0)
        {
            return;
        }

        long count = random.Below(3) == 0 ? received.Length : random.Below((int)received.Length + 1);
        long at = use.Got;
        foreach (ReadOnlyMemory<byte> part in received.Slice(0, count))
        {
            Check(Pattern.FirstDifference(part.Span, plan.Content(use.Stream.Id, !use.Stream.IsOurs), at) < 0, $"stream {use.Stream.Id} reads what was written");
            at += part.Length;
        }

        use.Got = at;
        Check(use.Got <= use.ToGet, $"stream {use.Stream.Id} has no more than was written");
        use.Stream.Consume(count);
    }

    private void CheckEnd(Use use)
    {
        uint id = use.Stream.Id;
        VshpReason expected = plan.IsRefused(id) ? VshpReason.Refused : plan.ResetAfter(id) >= 0 ? VshpReason.Cancelled : VshpReason.None;
        Check(use.Stream.CloseReason == expected, $"stream {id} ended with {use.Stream.CloseReason}, not {expected}");
        Check(expected != VshpReason.None || (use.Got == use.ToGet && use.Sent == use.ToSend), $"stream {id} is whole");
    }

    private sealed class Use(VshpStream stream, long toSend, long toGet, long resetAfter)
    {
        public VshpStream Stream => stream;

        public long ToSend => toSend;

        public long ToGet => toGet;

        public long ResetAfter => resetAfter;

        public long Sent { get; set; }

        public long Got { get; set; }

        public bool Finished { get; set; }
    }
}
