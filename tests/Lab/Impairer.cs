using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Net;
using System.Threading;
using Culvert.Tests.Lab.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Tests.Lab;

/// <summary>
/// A second path between the router and a host, with addresses of its own (<see cref="V4"/>, <see cref="V6"/>), over which packets are delayed,
/// lost, reordered, doubled, slowed down or swallowed. Two TAP devices and one thread; seeded, so that the fate of the n-th packet of a direction is
/// the same in every run. Disposing removes the path.
/// </summary>
public sealed class Impairer : IDisposable
{
    private const int Batch = 64;
    private const int FrameRoom = 66 * 1024;
    private const int MaxHeld = 16384;
    private const int TimerSlack = 29;
    private const int EthernetHeader = 14;
    private const uint RuleTable = 4242;

    private readonly LabNetwork _network;
    private readonly Host _host;
    private readonly int _frameAt;
    private readonly SafeFileHandle _wake;
    private readonly Direction[] _directions;
    private readonly Thread _thread;
    private readonly Stack<byte[]> _free = new();
    private volatile Impairment _impairment;
    private volatile bool _stopping;

    /// <summary>
    /// Makes the path to <paramref name="host"/> (one a host at a time); <paramref name="seed"/> decides every random choice. With
    /// <paramref name="largeSegments"/> up to 64 KiB of TCP pass as one packet: several Gbit/s with delay or rate, but loss then takes whole
    /// segments, and an MTU hole makes no sense.
    /// </summary>
    public Impairer(LabNetwork network, Host host, Impairment impairment, int seed = 1, int mtu = 1500, bool largeSegments = false)
    {
        _network = network;
        _host = host;
        _impairment = impairment;
        _frameAt = largeSegments ? Tap.HeaderLength : 0;
        V4 = WithLast(host.V4, "200");
        V6 = WithLast(host.V6, "200");
        string link = $"i{host.Name}";
        SafeFileHandle near = network.Router.Enter(() => Tap.Open(link, largeSegments));
        SafeFileHandle far = host.Enter(() => Tap.Open("impaired", largeSegments));
        network.Router.Ip($"link set {link} mtu {mtu} up");
        host.Ip($"link set impaired mtu {mtu} up");
        // The router's side has link-local addresses only: the host's impaired addresses are routed to, one by one.
        network.Router.Ip($"addr add 169.254.77.1/30 dev {link}");
        network.Router.Ip($"addr add fe80::77:1/64 dev {link} nodad");
        host.Ip("addr add 169.254.77.2/30 dev impaired");
        host.Ip("addr add fe80::77:2/64 dev impaired nodad");
        host.Ip($"addr add {V4}/32 dev impaired");
        host.Ip($"addr add {V6}/128 dev impaired nodad");
        network.Router.Ip($"route add {V4} via 169.254.77.2 dev {link}");
        network.Router.Ip($"-6 route add {V6} via fe80::77:2 dev {link}");
        host.Ip($"route add default via 169.254.77.1 dev impaired table {RuleTable}");
        host.Ip($"-6 route add default via fe80::77:1 dev impaired table {RuleTable}");
        host.Ip($"rule add from {V4} table {RuleTable}");
        host.Ip($"-6 rule add from {V6} table {RuleTable}");
        _wake = Native.Event();
        _directions = [new Direction(near, far, new Random(seed)), new Direction(far, near, new Random(seed + 1))];
        _thread = new Thread(Forward) { IsBackground = true, Name = "impairer" };
        _thread.Start();
    }

    /// <summary>The host's address over this path.</summary>
    public IPAddress V4 { get; }

    /// <summary>The host's IPv6 address over this path.</summary>
    public IPAddress V6 { get; }

    /// <summary>What happens to packets from now on (those on their way keep their fate).</summary>
    public Impairment Impairment
    {
        get => _impairment;
        set
        {
            _impairment = value;
            Wake();
        }
    }

    /// <summary>Packets delivered, both directions.</summary>
    public long Delivered => _directions[0].Delivered + _directions[1].Delivered;

    /// <summary>Packets lost on purpose: by chance, by the rate's queue, by the MTU hole or while down.</summary>
    public long Lost => _directions[0].Lost + _directions[1].Lost;

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping = true;
        Wake();
        _thread.Join();
        // Routes go with the devices; rules do not.
        _host.Ip($"rule del from {V4} table {RuleTable}");
        _host.Ip($"-6 rule del from {V6} table {RuleTable}");
        _directions[0].From.Dispose();
        _directions[1].From.Dispose();
        _wake.Dispose();
        // The kernel takes the devices away a moment after the close.
        Until.True(() => !_host.Ip("-o link").Contains("impaired", StringComparison.Ordinal) && !_network.Router.Ip("-o link").Contains($" i{_host.Name}:", StringComparison.Ordinal), "the impaired path to go");
    }

    private static IPAddress WithLast(IPAddress address, string last)
    {
        string text = address.ToString();
        return IPAddress.Parse(text[..(text.LastIndexOfAny([':', '.']) + 1)] + last);
    }

    private static long Now() => Stopwatch.GetTimestamp();

    private static long Ticks(TimeSpan span) => (long)(span.TotalSeconds * Stopwatch.Frequency);

    private unsafe void Wake()
    {
        ulong one = 1;
        Native.Write(_wake, (byte*)&one, 8);
    }

    private unsafe void Forward()
    {
        // Timers of this thread fire when asked, not when it suits the scheduler.
        _ = Native.ProcessControl(TimerSlack, 1, 0, 0, 0);
        Native.PollEntry* entries = stackalloc Native.PollEntry[3];
        entries[0] = new Native.PollEntry { Descriptor = (int)_directions[0].From.DangerousGetHandle(), Events = Native.PollIn };
        entries[1] = new Native.PollEntry { Descriptor = (int)_directions[1].From.DangerousGetHandle(), Events = Native.PollIn };
        entries[2] = new Native.PollEntry { Descriptor = (int)_wake.DangerousGetHandle(), Events = Native.PollIn };
        while (!_stopping)
        {
            long due = Math.Min(_directions[0].NextDue, _directions[1].NextDue);
            if (due == long.MaxValue)
            {
                _ = Native.Poll(entries, 3, null, null);
            }
            else
            {
                long wait = Math.Max(0, due - Now()) * 1_000_000_000 / Stopwatch.Frequency;
                Native.TimeSpec time = new() { Seconds = wait / 1_000_000_000, Nanoseconds = wait % 1_000_000_000 };
                _ = Native.Poll(entries, 3, &time, null);
            }

            if ((entries[2].Returned & Native.PollIn) != 0)
            {
                ulong count;
                Native.Read(_wake, (byte*)&count, 8);
            }

            for (int index = 0; index < 2; index++)
            {
                if ((entries[index].Returned & Native.PollIn) != 0)
                {
                    Take(_directions[index]);
                }

                Release(_directions[index]);
            }
        }
    }

    private unsafe void Take(Direction direction)
    {
        for (int count = 0; count < Batch; count++)
        {
            byte[] frame = _free.Count > 0 ? _free.Pop() : new byte[FrameRoom];
            nint length;
            fixed (byte* pointer = frame)
            {
                length = Native.Read(direction.From, pointer, FrameRoom);
            }

            if (length <= 0)
            {
                _free.Push(frame);
                return;
            }

            Decide(direction, frame, (int)length);
        }
    }

    private void Decide(Direction direction, byte[] frame, int length)
    {
        Impairment impairment = _impairment;
        // Neighbour discovery is spared, so that what is measured is the path and not the time-outs of ARP; it still waits its turn.
        bool spared = IsNeighbourhood(frame.AsSpan(_frameAt, length - _frameAt));
        // Every chance is drawn for every packet: the fate of one does not shift the fates of those behind it.
        double loss = direction.Random.NextDouble();
        double reorder = direction.Random.NextDouble();
        double duplicate = direction.Random.NextDouble();
        double jitter = direction.Random.NextDouble();
        if (impairment.Down || (!spared && (loss < impairment.Loss || (impairment.MtuHole > 0 && length - _frameAt - EthernetHeader > impairment.MtuHole))) || direction.Held.Count >= MaxHeld)
        {
            direction.Lost++;
            _free.Push(frame);
            return;
        }

        long now = Now();
        long due = now;
        if (impairment.Rate > 0)
        {
            long start = Math.Max(now, direction.LineFreeAt);
            if ((start - now) * impairment.Rate / 8 / Stopwatch.Frequency > impairment.Queue)
            {
                direction.Lost++;
                _free.Push(frame);
                return;
            }

            due = direction.LineFreeAt = start + (length * 8L * Stopwatch.Frequency / impairment.Rate);
        }

        due += Ticks(impairment.Delay) + (long)(jitter * Ticks(impairment.Jitter));
        if (reorder < impairment.Reorder)
        {
            due += Ticks(impairment.ReorderBy);
        }
        else
        {
            due = direction.LastDue = Math.Max(due, direction.LastDue);
        }

        if (due <= now && direction.Held.Count == 0 && duplicate >= impairment.Duplicate)
        {
            Deliver(direction, frame, length);
            return;
        }

        direction.Held.Enqueue((frame, length), (due, direction.Sequence++));
        if (duplicate < impairment.Duplicate)
        {
            byte[] copy = _free.Count > 0 ? _free.Pop() : new byte[FrameRoom];
            frame.AsSpan(0, length).CopyTo(copy);
            direction.Held.Enqueue((copy, length), (due, direction.Sequence++));
        }
    }

    private void Release(Direction direction)
    {
        long now = Now();
        while (direction.Held.TryPeek(out (byte[] Frame, int Length) held, out (long Due, long Sequence) when) && when.Due <= now)
        {
            direction.Held.Dequeue();
            Deliver(direction, held.Frame, held.Length);
        }
    }

    private unsafe void Deliver(Direction direction, byte[] frame, int length)
    {
        fixed (byte* pointer = frame)
        {
            // A full device queue loses the packet, as a full line does.
            if (Native.Write(direction.To, pointer, length) == length)
            {
                direction.Delivered++;
            }
            else
            {
                direction.Lost++;
            }
        }

        _free.Push(frame);
    }

    /// <summary>ARP, or ICMPv6 of the types that <see cref="SentPacket.IsNoise"/> names; looked at without allocating.</summary>
    private static bool IsNeighbourhood(ReadOnlySpan<byte> frame) =>
        (frame.Length > 13 && frame[12] == 0x08 && frame[13] == 0x06)
        || (frame.Length > 54 && frame[12] == 0x86 && frame[13] == 0xDD && frame[20] == 58 && frame[54] is (>= 131 and <= 136) or 143);

    /// <summary>One direction of the path. Owned by the impairer's thread.</summary>
    private sealed class Direction(SafeFileHandle from, SafeFileHandle to, Random random)
    {
        internal SafeFileHandle From { get; } = from;

        internal SafeFileHandle To { get; } = to;

        internal Random Random { get; } = random;

        internal PriorityQueue<(byte[] Frame, int Length), (long Due, long Sequence)> Held { get; } = new();

        internal long Sequence { get; set; }

        internal long LineFreeAt { get; set; }

        internal long LastDue { get; set; }

        internal long Delivered { get; set; }

        internal long Lost { get; set; }

        internal long NextDue => Held.TryPeek(out _, out (long Due, long Sequence) when) ? when.Due : long.MaxValue;
    }
}
