using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Culvert.Core.Packets;
using Culvert.Platform.Interop;

namespace Culvert.Platform.Links;

/// <summary>
/// Takes many datagrams from a socket in one call (recvmmsg), each message being one datagram or a run of equal ones from one sender (UDP_GRO). One for
/// all sockets of a loop; what it holds is valid until its next call.
/// </summary>
public sealed unsafe class DatagramReceiver : IDisposable
{
    /// <summary>Messages taken in one call.</summary>
    public const int MaxMessages = 16;

    private const int ControlSize = 64;

    private readonly PacketPool _pool;
    private readonly PacketBuffer?[] _blocks = new PacketBuffer?[MaxMessages];
    private readonly Libc.MultiMessage[] _messages = GC.AllocateArray<Libc.MultiMessage>(MaxMessages, pinned: true);
    private readonly Libc.IoVector[] _vectors = GC.AllocateArray<Libc.IoVector>(MaxMessages, pinned: true);
    private readonly Libc.SocketName[] _names = GC.AllocateArray<Libc.SocketName>(MaxMessages, pinned: true);
    private readonly byte[] _controls = GC.AllocateArray<byte>(MaxMessages * ControlSize, pinned: true);

    /// <summary>One that takes its blocks from <paramref name="pool"/>, with the first datagram.</summary>
    public DatagramReceiver(PacketPool pool) => _pool = pool;

    /// <summary>Takes what <paramref name="socket"/> has: how many messages, 0 when there are none now, <see cref="LinkSocket.Failed"/> when an error waits.</summary>
    public int Receive(LinkDatagramSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        Libc.MultiMessage* messages = Address(_messages);
        Libc.IoVector* vectors = Address(_vectors);
        Libc.SocketName* names = Address(_names);
        byte* controls = Address(_controls);
        for (int i = 0; i < MaxMessages; i++)
        {
            PacketBuffer block = _blocks[i] ??= _pool.Rent(PacketPool.LargeSize);
            vectors[i] = new Libc.IoVector { Base = Address(block.Array), Length = (nuint)block.Capacity };
            messages[i] = new Libc.MultiMessage
            {
                Header = new Libc.MessageHeader
                {
                    Name = names + i,
                    NameLength = Libc.SocketName.SizeV6,
                    Vectors = vectors + i,
                    VectorCount = 1,
                    Control = controls + (i * ControlSize),
                    ControlLength = ControlSize,
                },
            };
        }

        while (true)
        {
            int count = Libc.recvmmsg(socket.Handle, messages, MaxMessages, Libc.MSG_DONTWAIT, null);
            if (count >= 0)
            {
                return count;
            }

            switch (Errno.Last)
            {
                case Errno.EINTR:
                    continue;
                case Errno.EAGAIN:
                    return 0;
                default:
                    return LinkSocket.Failed;
            }
        }
    }

    /// <summary>Who sent message <paramref name="index"/>.</summary>
    public IpEndpoint Sender(int index) => SocketNames.Read(Address(_names) + index);

    /// <summary>Its bytes.</summary>
    public ReadOnlySpan<byte> Bytes(int index) => _blocks[index]!.Array.AsSpan(0, (int)_messages[index].Length);

    /// <summary>Bytes of each of the datagrams it holds but the last, which may be shorter; 0 when it is a single one.</summary>
    public int SegmentSize(int index)
    {
        ref Libc.MessageHeader header = ref _messages[index].Header;
        byte* control = (byte*)header.Control;
        byte* end = control + header.ControlLength;
        while (end - control >= sizeof(Libc.SegmentControl) - sizeof(int))
        {
            Libc.SegmentControl* message = (Libc.SegmentControl*)control;
            if (message->Header.Level == Libc.SOL_UDP && message->Header.Type == Libc.UDP_GRO)
            {
                return message->Size < _messages[index].Length ? message->Size : 0;
            }

            control += (message->Header.Length + 7) & ~(nuint)7;
        }

        return 0;
    }

    /// <summary>Moves the block of message <paramref name="index"/> to the caller, who owns it: its packet is the message.</summary>
    public PacketBuffer Take(int index)
    {
        PacketBuffer block = _blocks[index]!;
        _blocks[index] = null;
        block.Length = (int)_messages[index].Length;
        return block;
    }

    /// <summary>Gives its blocks back; the next call takes others.</summary>
    public void Dispose()
    {
        for (int i = 0; i < MaxMessages; i++)
        {
            _blocks[i]?.Release();
            _blocks[i] = null;
        }
    }

    // Of arrays that stay where they are: ours are made so, and so are the pool's large blocks.
    private static T* Address<T>(T[] pinned)
        where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));
}
