using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Threading.Tasks;
using Culvert.Core.Stack;

namespace Culvert.Entries.Tun;

/// <summary>DNS over TCP from behind the link (RFC 7766): messages with a length in front, answered one by one, in order.</summary>
internal sealed class DnsOverTcp(TunContext context, TcpFlow flow) : TcpTask(context, flow)
{
    private const int LengthSize = 2;

    protected override async Task RunAsync()
    {
        Flow.Accept(LinkLoop.Now);
        try
        {
            while (!IsOver)
            {
                if (TryTakeMessage(out byte[] query))
                {
                    ReadOnlyMemory<byte> answer = await Context.Names.AnswerAsync(query, overTcp: true, Cancellation);
                    LastActive = LinkLoop.Now;
                    if (answer.IsEmpty)
                    {
                        Abort(); // garbage has no answer
                        return;
                    }

                    await SendAsync(answer);
                }
                else if (Flow.ReceiveFinished)
                {
                    Flow.Finish(LinkLoop.Now);
                    return;
                }
                else
                {
                    await BytesIn;
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private bool TryTakeMessage(out byte[] message)
    {
        message = [];
        ReadOnlySequence<byte> received = Flow.Received;
        if (received.Length < LengthSize)
        {
            return false;
        }

        Span<byte> head = stackalloc byte[LengthSize];
        received.Slice(0, LengthSize).CopyTo(head);
        int length = BinaryPrimitives.ReadUInt16BigEndian(head);
        if (received.Length < LengthSize + length)
        {
            return false;
        }

        message = received.Slice(LengthSize, length).ToArray();
        Flow.Consume(LengthSize + length, LinkLoop.Now);
        return true;
    }

    private async Task SendAsync(ReadOnlyMemory<byte> answer)
    {
        byte[] framed = new byte[LengthSize + answer.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)answer.Length);
        answer.CopyTo(framed.AsMemory(LengthSize));
        for (int sent = 0; sent < framed.Length && !IsOver;)
        {
            Memory<byte> room = Flow.GetMemory();
            if (room.IsEmpty)
            {
                await RoomOut;
                continue;
            }

            int count = Math.Min(room.Length, framed.Length - sent);
            framed.AsMemory(sent, count).CopyTo(room);
            Flow.Advance(count, LinkLoop.Now);
            sent += count;
        }
    }
}
