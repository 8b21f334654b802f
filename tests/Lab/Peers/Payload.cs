using System;
using System.Globalization;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Culvert.Tests.Lab.Peers;

/// <summary>
/// The gibibyte that the big transfers carry: one block of random bytes, sixteen times, each behind a line with its number, so that a block lost, doubled or
/// moved changes the digest. As a file on disk it is one block only.
/// </summary>
public static class Payload
{
    /// <summary>Blocks in the payload.</summary>
    public const int Blocks = 16;

    private const int BlockLength = 64 * 1024 * 1024;
    private const int Step = 256 * 1024;

    private static readonly Lazy<byte[]> Block = new(() =>
    {
        byte[] block = new byte[BlockLength];
        new Random(20261120).NextBytes(block);
        return block;
    });

    private static readonly Lazy<string> Whole = new(() =>
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int number = 0; number < Blocks; number++)
        {
            hash.AppendData(Head(number));
            hash.AppendData(Block.Value);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    });

    /// <summary>Bytes in all: a little over 1 GiB.</summary>
    public static long Length
    {
        get
        {
            long length = (long)Blocks * BlockLength;
            for (int number = 0; number < Blocks; number++)
            {
                length += Head(number).Length;
            }

            return length;
        }
    }

    /// <summary>The SHA-256 of it all, in lower-case hexadecimal.</summary>
    public static string Digest => Whole.Value;

    /// <summary>The SHA-256 of the first <paramref name="length"/> bytes, within the first block.</summary>
    public static string DigestOf(int length) => Convert.ToHexStringLower(SHA256.HashData([.. Head(0), .. Block.Value.AsSpan(0, length - Head(0).Length)]));

    /// <summary>Writes the block to a file, unless it is there.</summary>
    public static string WriteBlock(string directory)
    {
        string path = Path.Combine(directory, "block");
        if (!File.Exists(path))
        {
            File.WriteAllBytes(path, Block.Value);
        }

        return path;
    }

    /// <summary>A line of bash that writes the payload to its standard output, given the file of <see cref="WriteBlock"/>.</summary>
    public static string Script(string block) => $"for i in $(seq 0 {Blocks - 1}); do printf 'block %d\\n' $i; cat {block}; done";

    /// <summary>Sends the payload.</summary>
    public static async Task SendAsync(Stream stream, CancellationToken stop)
    {
        for (int number = 0; number < Blocks; number++)
        {
            await stream.WriteAsync(Head(number), stop).ConfigureAwait(false);
            for (int at = 0; at < BlockLength; at += Step)
            {
                await stream.WriteAsync(Block.Value.AsMemory(at, Step), stop).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Reads up to <paramref name="length"/> bytes or to the end, and tells how many there were and their SHA-256.</summary>
    public static async Task<(long Length, string Digest)> DigestAsync(Stream stream, long length, CancellationToken stop)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[Step];
        long total = 0;
        int count;
        while (total < length && (count = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(Step, length - total)), stop).ConfigureAwait(false)) > 0)
        {
            hash.AppendData(buffer, 0, count);
            total += count;
        }

        return (total, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    private static byte[] Head(int number) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"block {number}\n"));
}
