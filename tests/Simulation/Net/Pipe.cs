using System;
using Culvert.Core.Packets;

namespace Culvert.Tests.Simulation.Net;

/// <summary>One direction of a network: takes packets, and delivers, delays, repeats, spoils or loses them by one seeded source of chance.</summary>
internal sealed class Pipe(World world, string name, PipeOptions options, Action<Frame> deliver)
{
    private readonly Randomness _random = world.Random.Fork();
    private long _busyUntil;
    private long _lastArrival;
    private int _burstLeft;

    /// <summary>Changes take effect with the next packet: routes flap, MTUs shrink.</summary>
    public PipeOptions Options { get; set; } = options;

    public long Sent { get; private set; }

    public long Lost { get; private set; }

    public void Send(Frame frame)
    {
        Sent++;
        int largest = frame.Offload.SegmentSize > 0 ? ushort.MaxValue : Options.Mtu;
        World.Check(frame.Bytes.Length <= largest, $"{name}: a packet of {frame.Bytes.Length} bytes on a link of MTU {Options.Mtu}");
        if (_burstLeft == 0 && _random.Chance(Options.Burst))
        {
            _burstLeft = 1 + _random.Below(Options.BurstLength);
        }

        bool lost = _random.Chance(Options.Loss);
        if (_burstLeft > 0)
        {
            _burstLeft--;
            lost = true;
        }

        long ready = world.Now;
        if (Options.Rate > 0)
        {
            long waiting = (long)(Math.Max(0, _busyUntil - world.Now) * (double)Options.Rate / 8_000_000);
            if (waiting > Options.Queue)
            {
                Lost++;
                world.Trace.Add(world.Now, $"{name} queue", frame.Bytes);
                return;
            }

            _busyUntil = Math.Max(_busyUntil, world.Now) + (frame.Bytes.Length * 8_000_000L / Options.Rate);
            ready = _busyUntil;
        }

        if (lost)
        {
            Lost++;
            world.Trace.Add(world.Now, $"{name} lost", frame.Bytes);
            return;
        }

        bool spoilt = _random.Chance(Options.Corrupt);
        if (spoilt)
        {
            if (frame.Offload.Checksum == ChecksumState.Partial)
            {
                world.Trace.Add(world.Now, $"{name} spoilt", frame.Bytes);
                return; // a device that vouches for a packet has checked it
            }

            frame = new Frame(Spoil(frame.Bytes));
        }

        world.Trace.Add(world.Now, spoilt ? $"{name} spoilt" : name, frame.Bytes);
        Arrive(frame, ready);
        if (_random.Chance(Options.Duplicate))
        {
            Arrive(frame, ready);
        }
    }

    private void Arrive(Frame frame, long ready)
    {
        long arrival = ready + Options.Delay + (Options.Jitter > 0 ? _random.Between(0, Options.Jitter) : 0);
        if (_random.Chance(Options.Reorder))
        {
            arrival += _random.Between(1, Options.ReorderDelay);
        }
        else
        {
            arrival = Math.Max(arrival, _lastArrival);
            _lastArrival = arrival;
        }

        world.At(arrival, () => deliver(frame));
    }

    private byte[] Spoil(byte[] bytes)
    {
        byte[] spoilt = [.. bytes];
        int first = _random.Below(spoilt.Length * 8);
        int pattern = 1 | _random.Below(1 << 15);
        for (int bit = 0; bit < 15; bit++)
        {
            int at = first + bit;
            if (((pattern >> bit) & 1) != 0 && at < spoilt.Length * 8)
            {
                spoilt[at / 8] ^= (byte)(0x80 >> (at % 8));
            }
        }

        return spoilt;
    }
}
