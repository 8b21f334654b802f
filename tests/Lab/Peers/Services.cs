using System;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Culvert.Tests.Lab.Peers;

/// <summary>What the lab's simple peers do with a connection or a datagram.</summary>
public static class Services
{
    /// <summary>Sends everything back, and finishes when the client has (RFC 862).</summary>
    public static async Task EchoAsync(NetworkStream stream, CancellationToken stop)
    {
        byte[] buffer = new byte[65536];
        int count;
        while ((count = await stream.ReadAsync(buffer, stop).ConfigureAwait(false)) > 0)
        {
            await stream.WriteAsync(buffer.AsMemory(0, count), stop).ConfigureAwait(false);
        }
    }

    /// <summary>Reads to the end, then tells how many bytes it was and their SHA-256, as a line of text: only a client that can half-close gets to read it.</summary>
    public static async Task DigestAsync(NetworkStream stream, CancellationToken stop)
    {
        (long length, string digest) = await Payload.DigestAsync(stream, long.MaxValue, stop).ConfigureAwait(false);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"{length} {digest}\n"), stop).ConfigureAwait(false);
    }

    /// <summary>Sends <see cref="Payload.Blocks"/> blocks of the payload and finishes.</summary>
    public static Task SendPayloadAsync(NetworkStream stream, CancellationToken stop) => Payload.SendAsync(stream, stop);

    /// <summary>Says who the client is: its address and nothing else, as a line of text.</summary>
    public static Task WhoAsync(NetworkStream stream, CancellationToken stop)
        => stream.WriteAsync(Encoding.ASCII.GetBytes($"{((global::System.Net.IPEndPoint)stream.Socket.RemoteEndPoint!).Address.ToString().Replace("::ffff:", "", StringComparison.Ordinal)}\n"), stop).AsTask();

    /// <summary>Accepts and says nothing, for as long as the client stays.</summary>
    public static async Task SilenceAsync(NetworkStream stream, CancellationToken stop)
    {
        byte[] buffer = new byte[4096];
        while (await stream.ReadAsync(buffer, stop).ConfigureAwait(false) > 0)
        {
        }
    }

    /// <summary>DNS over TCP: messages with their length in front, as many as the client sends.</summary>
    public static Func<NetworkStream, CancellationToken, Task> Dns(DnsZone zone) => async (stream, stop) =>
    {
        byte[] head = new byte[2];
        while (await stream.ReadAtLeastAsync(head, 2, throwOnEndOfStream: false, stop).ConfigureAwait(false) == 2)
        {
            byte[] query = new byte[BinaryPrimitives.ReadUInt16BigEndian(head)];
            await stream.ReadExactlyAsync(query, stop).ConfigureAwait(false);
            if (zone.Answer(query, stream: true) is not { } answer)
            {
                return;
            }

            await stream.WriteAsync((byte[])[(byte)(answer.Length >> 8), (byte)answer.Length, .. answer], stop).ConfigureAwait(false);
        }
    };
}
