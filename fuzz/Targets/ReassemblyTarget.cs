using System;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Tests.Unit.Packets;

namespace Culvert.Fuzz.Targets;

/// <summary>
/// Fragments by script, against a model that keeps a mark for every 8 bytes: four bytes of input are one fragment of one of 32 packets.
/// </summary>
internal sealed class ReassemblyTarget : IFuzzTarget
{
    private const int Packets = 32;
    private const int Units = 64;

    private readonly PacketPool _pool = new();
    private readonly DropCounters _drops = new();
    private readonly Reassembler _reassembler;
    private readonly Model[] _models = new Model[Packets];
    private readonly byte[] _content = SamplePackets.Payload(Units * 16);

    private ReassemblyTarget()
    {
        _reassembler = new Reassembler(_pool, Packets * PacketPool.LargeSize, _drops);
        for (int i = 0; i < Packets; i++)
        {
            _models[i] = new Model();
        }
    }

    public static FuzzTarget Entry { get; } = new(
        "reassembly", "fragments in any order, overlapping and not, against a model of what must come of it", Scripts, _ => new ReassemblyTarget());

    public void Run(ReadOnlySpan<byte> input)
    {
        for (; input.Length >= 4; input = input[4..])
        {
            RunFragment(id: input[0] % Packets, start: input[1] % Units, units: input[2] % 16, more: (input[3] & 1) != 0, v4: (input[0] & 0x80) == 0);
        }

        _reassembler.Clear();
        Expect.That(_pool.Outstanding == 0, "every buffer is given back");
        foreach (Model model in _models)
        {
            model.Clear();
        }
    }

    public void Finish() => Expect.That(_pool.Outstanding == 0, "every buffer is given back");

    private void RunFragment(int id, int start, int units, bool more, bool v4)
    {
        if (start == 0 && units == 0 && !more)
        {
            return; // not a fragment
        }

        PacketBuffer buffer = _pool.Rent(PacketPool.SmallSize);
        ReadOnlySpan<byte> part = _content.AsSpan(start * 8, units * 8);
        int header = IpWriter.WriteFragment(
            buffer.Array, SamplePackets.Client(v4).Address, SamplePackets.Server(v4).Address, IpProtocol.Udp, part.Length, (uint)id, start * 8, more);
        part.CopyTo(buffer.Array.AsSpan(header));
        buffer.Length = header + part.Length;
        Expect.That(IpHeader.TryParse(buffer.Span, out IpHeader ip), "a fragment is a packet");
        if (!ip.IsFragment)
        {
            buffer.Release();
            return;
        }

        // Both versions share the identifications here, but never a packet.
        Model model = _models[id];
        if (!model.Owns(v4))
        {
            buffer.Release();
            return;
        }

        PacketBuffer? whole = _reassembler.Add(buffer, ip, now: 0);
        int expected = model.Add(start, units, more);
        Expect.That((whole is not null) == (expected > 0), "a packet is whole when the model says so");
        if (whole is not null)
        {
            Expect.That(IpHeader.TryParse(whole.Span, out IpHeader made) && made.PayloadLength == expected * 8, "the whole is as long as the model says");
            Expect.That(whole.Span[made.HeaderLength..].SequenceEqual(_content.AsSpan(0, expected * 8)), "every byte is in its place");
            whole.Release();
        }
    }

    private static IReadOnlyList<byte[]> Scripts() =>
    [
        [1, 0, 4, 1, 1, 4, 4, 1, 1, 8, 4, 0],
        [2, 8, 4, 0, 2, 4, 4, 1, 2, 0, 4, 1, 2, 0, 4, 1, 2, 4, 4, 0],
        [0x83, 0, 1, 1, 0x83, 2, 1, 1, 0x83, 4, 1, 1, 0x83, 6, 1, 0, 0x83, 1, 1, 1, 0x83, 3, 1, 1, 0x83, 5, 1, 1],
        [4, 0, 4, 1, 4, 2, 4, 1, 4, 6, 4, 0, 5, 0, 8, 1, 5, 2, 2, 1, 5, 8, 8, 0],
        [6, 0, 15, 1, 6, 15, 15, 1, 6, 30, 15, 1, 6, 45, 15, 1, 6, 60, 4, 0],
    ];

    /// <summary>What must come of one packet's fragments, decided unit by unit.</summary>
    private sealed class Model
    {
        private ulong _there;
        private ulong _beyond;
        private int _end = -1;
        private bool _refused;
        private bool? _v4;

        public bool Owns(bool v4) => (_v4 ??= v4) == v4;

        public void Clear() => (_there, _beyond, _end, _refused, _v4) = (0, 0, -1, false, null);

        /// <summary>Adds a fragment; returns the whole packet's length in units when that made it whole, else 0.</summary>
        public int Add(int start, int units, bool more)
        {
            if (_refused || units == 0)
            {
                return 0;
            }

            UInt128 mask = ((UInt128.One << units) - 1) << start;
            UInt128 there = new(_beyond, _there);
            int end = start + units;
            int last = 128 - (int)UInt128.LeadingZeroCount(there);
            bool disagrees = more ? _end >= 0 && end >= _end : (_end >= 0 && end != _end) || last > end;
            if ((there & mask) == mask && !disagrees)
            {
                return 0; // a copy; all content is the same here
            }

            if ((there & mask) != 0 || disagrees)
            {
                _refused = true;
                return 0;
            }

            there |= mask;
            (_beyond, _there) = ((ulong)(there >> 64), (ulong)there);
            _end = more ? _end : end;
            if (_end < 0 || there != (UInt128.One << _end) - 1)
            {
                return 0;
            }

            int whole = _end;
            bool? v4 = _v4;
            Clear();
            _v4 = v4;
            return whole;
        }
    }
}
