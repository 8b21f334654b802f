using System;
using System.Buffers.Binary;
using System.Globalization;
using System.IO;
using System.Text;
using Culvert.Tests.Simulation.Wire;

namespace Culvert.Tests.Simulation;

/// <summary>What crossed the network: a hash of all of it (two runs of a seed must agree) and the last packets, for people. The variable SIM_TRACE names a file that gets them all.</summary>
internal sealed class Trace
{
    private const int Kept = 256;

    private readonly (long Time, string What, byte[] Packet)[] _ring = new (long, string, byte[])[Kept];
    private readonly string? _file = Environment.GetEnvironmentVariable("SIM_TRACE");
    private long _count;

    public ulong Hash { get; private set; } = 0xCBF2_9CE4_8422_2325;

    public long Count => _count;

    public void Add(long time, string what, byte[] packet)
    {
        _ring[_count++ % Kept] = (time, what, packet);
        if (_file != null)
        {
            File.AppendAllText(_file, Line(time, what, packet, 0));
        }

        Fold((ulong)time);
        Fold((ulong)packet.Length);
        int i = 0;
        for (; i + 8 <= packet.Length; i += 8)
        {
            Fold(BinaryPrimitives.ReadUInt64LittleEndian(packet.AsSpan(i)));
        }

        for (; i < packet.Length; i++)
        {
            Fold(packet[i]);
        }
    }

    public string Tail(int count, long began)
    {
        StringBuilder text = new();
        for (long i = Math.Max(0, _count - Math.Min(count, Kept)); i < _count; i++)
        {
            (long time, string what, byte[] packet) = _ring[i % Kept];
            text.Append(Line(time, what, packet, began));
        }

        return text.ToString();
    }

    private static string Line(long time, string what, byte[] packet, long began) =>
        string.Create(CultureInfo.InvariantCulture, $"{(time - began) / 1e6,12:F6} {what,-14} {Describe.Packet(packet)}\n");

    private void Fold(ulong value) => Hash = Randomness.Mix(Hash ^ value);
}
