using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Core.Session;
using Culvert.Tests.Unit.Session;

namespace Culvert.Fuzz.Targets;

/// <summary>
/// A live gateway's session with open flows: mutated frames, aimed at what is open, and a user who calls the API at random. A twin gets the same bytes cut into pieces, and
/// must come to the same. Nothing may throw, leak or grow, and no event may come out of its order.
/// </summary>
internal sealed class SessionTarget : IFuzzTarget
{
    private static readonly string[] Words =
    [
        "OPEN id=1 to=192.0.2.7:443", "OPEN id=1 to=[2001:db8::7]:53", "OPEN id=1 to=www.example.com:80", "OPEN id=1 to=unix:/run/x", "ASSOCIATE id=1",
        "RESOLVE id=1 bytes=123401000001000000000000", "DATA id=1 bytes=68656c6c6f", "DATA id=1 fin bytes=68656c6c6f", "DATA id=1 fin bytes=", "RESET id=1 reason=Cancelled",
        "OPENED id=2", "REFUSED id=2 reason=Refused", "RESOLVED id=2 bytes=123401000001000000000000", "WINDOW id=1 limit=262144", "WINDOW id=0 limit=9007199254740991",
        "DATAGRAM id=1 at=192.0.2.7:53 bytes=0102", "DATAGRAM id=1 unreachable at=stun.example:3478 bytes=", "ECHO id=77 at=192.0.2.1:0 bytes=aabb", "ECHOED id=77 bytes=aabb",
        "ECHOED id=77 refused reason=HostUnreachable", "PACKET bytes=4500001400000000400166e7c0000201c0000207", "CONTROL kind=32768 bytes=0102",
        "GOAWAY last=7 reason=ShuttingDown text=restarting", "ACK received=0", "PING number=1", "PONG number=1", "STATS ask numbers=60,3,10,1000,2000,5,6,1,2",
        "END reason=Protocol text=nonsense", "UNKNOWN type=127 id=5 flags=255 bytes=0102", "UNKNOWN type=255 id=0 flags=0 bytes=",
    ];

    private readonly byte[] _scratch = new byte[Mutator.MaxLength];
    private readonly Twin _whole;
    private readonly Twin _pieces;
    private FuzzRandom _random;

    private SessionTarget(ulong seed)
    {
        _random = new FuzzRandom(seed);
        ulong users = _random.Next();
        _whole = new Twin(users);
        _pieces = new Twin(users);
    }

    public static FuzzTarget Entry { get; } = new("session", "VSHP: a gateway's session with open flows, and its twin", Corpus, seed => new SessionTarget(seed), MendLengths);

    public void Run(ReadOnlySpan<byte> input)
    {
        FirstFrameKind kind = FirstFrame.Read(input, out FirstFrame first);
        if (kind is not (FirstFrameKind.Incomplete or FirstFrameKind.Foreign))
        {
            Expect.That(FirstFrame.Read(input[..first.Length], out _) == kind, "what follows the first frame means nothing to it");
            Expect.That(FirstFrame.Read(input[.._random.Below(first.Length)], out _) == FirstFrameKind.Incomplete, "part of a first frame asks for more");
        }

        Span<byte> bytes = _scratch.AsSpan(0, input.Length);
        input.CopyTo(bytes);
        Aim(bytes);
        _whole.Session.Receive(bytes, _whole.Now);
        for (ReadOnlySpan<byte> rest = bytes; !rest.IsEmpty;)
        {
            int piece = Math.Min(rest.Length, 1 + _random.Below(_random.OnceIn(2) ? 12 : 2_000));
            _pieces.Session.Receive(rest[..piece], _pieces.Now);
            rest = rest[piece..];
        }

        Expect.That(_whole.State == _pieces.State, $"pieces come to the same: {_whole.State} and {_pieces.State}");
        _whole.Turn();
        _pieces.Turn();
        Expect.That(_whole.State == _pieces.State, $"users come to the same: {_whole.State} and {_pieces.State}");
    }

    public void Finish()
    {
        _whole.Finish();
        _pieces.Finish();
    }

    private static List<byte[]> Corpus()
    {
        List<byte[]> corpus = [];
        foreach (string words in Words)
        {
            corpus.Add(VectorFrame.Encode(words));
        }

        corpus.Add(VectorFrame.Frame(FrameType.Data, 0, 1, new byte[16_384]));
        corpus.Add(VectorFrame.Frame(FrameType.Resolve, 0, 1, new byte[65_535]));
        string ticket = new('1', 64);
        corpus.Add(VectorFrame.Encode($"HELLO version=1 lowest=1 resume=300 capabilities=63 stream=65536 session=65536 flows=9 exchanges=9 instance=0 ticket={ticket} software=x"));
        corpus.Add(VectorFrame.Encode($"RESUME version=1 ticket={ticket} next={new string('2', 64)} received=0"));
        corpus.Add(VectorFrame.Encode($"PAIR_OFFER version=1 commitment={ticket} name=x"));
        byte[] many = [.. corpus[0], .. corpus[6], .. corpus[13], .. corpus[9]];
        corpus.Add(many);
        return corpus;
    }

    /// <summary>A frame that says it is longer than the input mostly says how long it is instead, or the session would wait for the rest.</summary>
    private static void MendLengths(Span<byte> input, ref FuzzRandom random)
    {
        while (FrameHeader.TryRead(input, out FrameHeader header))
        {
            int rest = input.Length - FrameHeader.Size;
            if (header.Length > rest && !random.OnceIn(16))
            {
                BinaryPrimitives.WriteUInt16BigEndian(input[2..], (ushort)Math.Min(rest, ushort.MaxValue));
            }

            input = input[Math.Min(header.FrameLength, input.Length)..];
        }
    }

    /// <summary>Turns frames to flows that are there, numbers to what may be said, and most of what would end the session at once to something else.</summary>
    private void Aim(Span<byte> bytes)
    {
        uint next = _whole.Session.LastTheirs == 0 ? 1 : _whole.Session.LastTheirs + 2;
        while (FrameHeader.TryRead(bytes, out FrameHeader header) && !_random.OnceIn(64))
        {
            if (header.Type is FrameType.End or FrameType.Hello or FrameType.Resume or FrameType.Resumed or FrameType.Gone || (byte)header.Type is 0 or (>= 0x90 and <= 0x95))
            {
                bytes[0] = _random.OnceIn(64) ? bytes[0] : (byte)FrameType.Data;
            }

            uint id = header.Id;
            switch ((FrameType)bytes[0])
            {
                case FrameType.Open or FrameType.Associate or FrameType.Resolve:
                    id = next;
                    next += 2;
                    break;
                case FrameType.Data or FrameType.Reset or FrameType.Opened or FrameType.Refused or FrameType.Resolved or FrameType.Datagram:
                    id = _whole.SomeId(ref _random);
                    break;
                case FrameType.Window:
                    id = _random.OnceIn(4) ? 0 : _whole.SomeId(ref _random);
                    break;
                case FrameType.Ack or FrameType.Ping or FrameType.Pong or FrameType.Control or FrameType.Packet or FrameType.Stats or FrameType.GoAway:
                    id = 0;
                    break;
            }

            BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], id);
            if (bytes[0] == (byte)FrameType.Ack && bytes.Length >= 16)
            {
                BinaryPrimitives.WriteInt64BigEndian(bytes[8..], _whole.Session.SequenceHanded);
            }

            bytes = bytes[Math.Min(header.FrameLength, bytes.Length)..];
        }
    }

    /// <summary>A session and its user, who does the same for the same seed.</summary>
    private sealed class Twin(ulong seed)
    {
        private static readonly VshpOptions Options = new()
        {
            Capabilities = (VshpCapabilities)0x3F,
            MaxFlows = 20,
            MaxExchanges = 10,
            MaxRefusals = 50,
            MaxUnacknowledged = 200_000,
            MaxDatagramBytes = 100_000,
            MaxControlBytes = 100_000,
            Instance = 7,
        };

        private readonly PacketPool _pool = new();
        private readonly List<Numbered> _open = [];
        private FuzzRandom _random = new(seed);
        private VshpSession? _session;

        public long Now { get; private set; } = 1_000_000;

        public VshpSession Session => _session ??= Begin();

        public string State =>
            $"{Session.EndReason} {Session.Counters.FramesReceived} frames, {Session.Counters.BytesReceived} bytes, {Session.SequenceReceived} of the sequence, {Session.OpenFlows} flows, {Session.Counters.DatagramsDropped} dropped";

        public uint SomeId(ref FuzzRandom random) => _open.Count > 0 && !random.OnceIn(16) ? _open[random.Below(_open.Count)].Id : (uint)random.Below(24);

        public void Turn()
        {
            Now += _random.Below(_random.OnceIn(16) ? 20_000_000 : 10_000);
            Session.Advance(Now);
            int count = 0;
            while (Session.TryNextEvent(out SessionEvent happened))
            {
                Expect.That(++count < 10_000, "events end");
                Expect.That(happened.Subject is not { IsReleased: true }, "nothing happens to what was released");
                happened.Buffer?.Release();
                if (happened.Kind is SessionEventKind.Asked)
                {
                    _open.Add(happened.Subject!);
                }
            }

            for (int calls = _random.Below(4); calls > 0; calls--)
            {
                Call();
            }

            if (!_random.OnceIn(4))
            {
                Transmit();
            }

            if (Session.IsOver)
            {
                End();
            }
            else if (_random.OnceIn(200))
            {
                Session.Detach(Now);
                Session.Reattach(new Resume(1, default, default, Session.SequenceHanded), Now);
            }
        }

        public void Finish()
        {
            Session.End(VshpReason.ShuttingDown, "");
            End();
        }

        private static uint Length(ReadOnlySpan<byte> bytes)
        {
            uint frames = 0;
            while (FrameHeader.TryRead(bytes, out FrameHeader header))
            {
                Expect.That(header.FrameLength <= bytes.Length && FrameRules.Allows(header), "what is sent is whole frames");
                bytes = bytes[header.FrameLength..];
                frames++;
            }

            Expect.That(bytes.IsEmpty, "and nothing else");
            return frames;
        }

        private VshpSession Begin()
        {
            Hello hello = new()
            {
                Version = 1,
                LowestVersion = 1,
                Capabilities = (VshpCapabilities)0x3F,
                ResumeSeconds = 300,
                StreamWindow = 65_536,
                SessionWindow = 1 << 20,
                Flows = 20,
                Exchanges = 10,
                Software = "",
            };
            VshpSession session = VshpSession.Accept(Options, _pool, hello, Now);
            return session;
        }

        private void Transmit()
        {
            int count = 0;
            while (Session.Transmit(Now) is { IsEmpty: false } bytes)
            {
                Expect.That(++count < 1_000, "what is sent ends");
                Length(System.Buffers.BuffersExtensions.ToArray(bytes));
                Session.Transmitted(Now);
            }
        }

        private void End()
        {
            Transmit();
            Session.Detach(Now);
            Expect.That(Session.NextDeadline == long.MaxValue, $"no timer is left: {Session.NextDeadlineReason}");
            while (Session.TryNextEvent(out SessionEvent happened))
            {
                happened.Buffer?.Release();
                if (happened.Kind == SessionEventKind.Asked)
                {
                    _open.Add(happened.Subject!);
                }
            }

            foreach (Numbered numbered in _open)
            {
                Release(numbered);
            }

            _open.Clear();
            Expect.That(Session.OpenFlows == 0, "no flow is left");
            Expect.That(_pool.Outstanding == 0, $"every block is given back: {string.Join(", ", _pool.Leaks())}");
            _session = null;
        }

        private static void Release(Numbered numbered)
        {
            (numbered as VshpStream)?.Release();
            (numbered as VshpAssociation)?.Release(VshpReason.Cancelled);
            (numbered as VshpQuestion)?.Release();
        }

        private void Call()
        {
            if (_open.Count == 0 || _random.OnceIn(6))
            {
                Ask();
                return;
            }

            int index = _random.Below(_open.Count);
            Numbered numbered = _open[index];
            bool done = numbered.IsOver ? _random.OnceIn(2) : _random.OnceIn(24);
            if (done)
            {
                Release(numbered);
                _open.RemoveAt(index);
                return;
            }

            switch (numbered)
            {
                case VshpStream stream:
                    Use(stream);
                    break;
                case VshpAssociation association:
                    association.Accept();
                    association.Send(VshpDestination.To(IpAddr.FromV4(1), 53), new byte[_random.Below(1_500)]);
                    break;
                case VshpQuestion question when !question.IsOurs && _random.OnceIn(2):
                    question.Answer(new byte[12 + _random.Below(1_000)]);
                    _open.RemoveAt(index);
                    break;
            }
        }

        private void Ask()
        {
            Numbered? asked = _random.Below(8) switch
            {
                0 => Session.Associate(),
                1 => Session.Ask(new byte[12]),
                2 or 3 => Session.Open(VshpDestination.ToName("example.com", 80), Now),
                _ => null,
            };
            if (asked is not null)
            {
                _open.Add(asked);
            }

            if (_random.OnceIn(8))
            {
                Session.SendControl(0x8000, new byte[_random.Below(100)]);
                Session.SendEcho(5, VshpDestination.To(IpAddr.FromV4(1), 0), default);
                Session.AskStats();
                Session.Probe(Now);
            }
        }

        private void Use(VshpStream stream)
        {
            switch (_random.Below(12))
            {
                case 0:
                    stream.Finish();
                    break;
                case 1 when _random.OnceIn(4):
                    stream.Reset(VshpReason.Reset);
                    break;
                case 2 when _random.OnceIn(4):
                    stream.Refuse(VshpReason.Refused);
                    _open.Remove(stream);
                    break;
                case < 6:
                    stream.Accept();
                    Memory<byte> room = stream.GetMemory();
                    if (!room.IsEmpty)
                    {
                        stream.Advance(_random.Below(room.Length + 1));
                    }

                    break;
                default:
                    stream.Consume(_random.OnceIn(2) ? stream.Received.Length : _random.Below((int)stream.Received.Length + 1));
                    break;
            }
        }
    }
}
