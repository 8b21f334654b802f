using BenchmarkDotNet.Attributes;
using Culvert.Core.Packets;

namespace Culvert.Bench.Micro;

/// <summary>The Internet checksum over a small packet, a segment and a super-segment.</summary>
public class ChecksumBench
{
    private byte[] _data = [];

    /// <summary>Bytes.</summary>
    [Params(64, 1460, 65_000)]
    public int Size { get; set; }

    /// <summary>Fills what is summed.</summary>
    [GlobalSetup]
    public void Fill() => new System.Random(1).NextBytes(_data = new byte[Size]);

    /// <summary>Sum and fold.</summary>
    [Benchmark]
    public ushort Compute() => Checksum.Compute(_data);
}
