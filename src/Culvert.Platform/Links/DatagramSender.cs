using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Culvert.Core.Packets;
using Culvert.Platform.Interop;

namespace Culvert.Platform.Links;

/// <summary>
/// Sends many datagrams in one call (sendmmsg). Equal ones to one destination, one behind the other, go as one message that the system cuts (UDP_SEGMENT). One
/// for all sockets of a loop: begin, add, send.
/// </summary>
public sealed unsafe class DatagramSender
{
    /// <summary>Most bytes in front of a payload.</summary>
    public const int MaxHead = 272;

    /// <summary>What <see cref="Send"/> returns when the system does not cut the first message: too large for the way's MTU, mostly.</summary>
    public const int NotCut = -3;

    /// <summary>Messages sent in one call.</summary>
    private const int MaxMessages = 64;

    /// <summary>Slices sent in one call.</summary>
    private const int MaxVectors = 1024;

    /// <summary>Datagrams that the system cuts one message into; every kernel with UDP_SEGMENT takes as many.</summary>
    private const int MaxSegments = 64;

    /// <summary>Bytes of one message: what IPv4 leaves behind its own header and UDP's.</summary>
    private const int MaxMessageBytes = ushort.MaxValue - 20 - 8;

    private readonly Libc.MultiMessage[] _messages = GC.AllocateArray<Libc.MultiMessage>(MaxMessages, pinned: true);
    private readonly Libc.IoVector[] _vectors = GC.AllocateArray<Libc.IoVector>(MaxVectors, pinned: true);
    private readonly Libc.SocketName[] _names = GC.AllocateArray<Libc.SocketName>(MaxMessages, pinned: true);
    private readonly Libc.SegmentControl[] _controls = GC.AllocateArray<Libc.SegmentControl>(MaxMessages, pinned: true);
    private readonly byte[] _heads = GC.AllocateArray<byte>(MaxMessages * MaxHead, pinned: true);
    private readonly Shape[] _shapes = new Shape[MaxMessages];
    private LinkDatagramSocket? _socket;
    private int _count;
    private int _vectorCount;
    private int _targets;
    private int _headLength;
    private int _nameLength;
    private bool _grows;

    /// <summary>Forgets what was added, for another call on <paramref name="socket"/>.</summary>
    public void Begin(LinkDatagramSocket socket)
    {
        _socket = socket;
        _count = 0;
        _vectorCount = 0;
        _targets = 0;
        _grows = false;
    }

    /// <summary>
    /// Whom the datagrams added from here on go to, each behind <paramref name="head"/> (at most <see cref="MaxHead"/> bytes); false when this call has no room for more.
    /// </summary>
    public bool TryAddress(IpEndpoint to, ReadOnlySpan<byte> head)
    {
        if (_targets == MaxMessages)
        {
            return false;
        }

        _nameLength = SocketNames.Write(Address(_names) + _targets, to, _socket!.IsV4);
        head.CopyTo(_heads.AsSpan(_targets * MaxHead, MaxHead));
        _headLength = head.Length;
        _targets++;
        _grows = false;
        return true;
    }

    /// <summary>Adds the datagram of <paramref name="length"/> bytes at <paramref name="offset"/> of the block; false when this call has no room for more.</summary>
    public bool TryAdd(PacketBuffer block, int offset, int length)
    {
        ArgumentNullException.ThrowIfNull(block);
        int size = _headLength + length;
        if (_vectorCount + 2 > MaxVectors)
        {
            return false;
        }

        if (!Joins(size))
        {
            if (_count == MaxMessages)
            {
                return false;
            }

            _messages[_count].Header = new Libc.MessageHeader
            {
                Name = Address(_names) + (_targets - 1),
                NameLength = (nuint)_nameLength,
                Vectors = Address(_vectors) + _vectorCount,
            };
            _shapes[_count++] = new Shape { SegmentSize = size };
            _grows = size > 0 && size < _socket!.MaxSegment;
        }

        ref Shape shape = ref _shapes[_count - 1];
        ref Libc.MessageHeader header = ref _messages[_count - 1].Header;
        shape.Datagrams++;
        shape.Bytes += size;
        _grows &= size == shape.SegmentSize;
        if (shape.Datagrams == 2)
        {
            Libc.SegmentControl* control = Address(_controls) + (_count - 1);
            *control = new Libc.SegmentControl
            {
                Header = new Libc.ControlHeader { Length = (nuint)sizeof(Libc.ControlHeader) + sizeof(ushort), Level = Libc.SOL_UDP, Type = Libc.UDP_SEGMENT },
                Size = shape.SegmentSize,
            };
            header.Control = control;
            header.ControlLength = (nuint)sizeof(Libc.SegmentControl);
        }

        Slices(ref header, block, offset, length);
        return true;
    }

    /// <summary>
    /// Sends what was added: how many messages have gone; <see cref="LinkSocket.WouldBlock"/>, <see cref="NotCut"/> or <see cref="LinkSocket.Failed"/> for what became of
    /// the first. One that a full queue of the system drops has gone.
    /// </summary>
    public int Send()
    {
        while (true)
        {
            int sent = Libc.sendmmsg(_socket!.Handle, Address(_messages), (uint)_count, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL);
            if (sent >= 0)
            {
                return sent;
            }

            switch (Errno.Last)
            {
                case Errno.EINTR:
                    continue;
                case Errno.EAGAIN:
                    return LinkSocket.WouldBlock;
                case Errno.ENOBUFS:
                    return 1;
                case Errno.EINVAL or Errno.EMSGSIZE or Errno.EIO when _shapes[0].Datagrams > 1:
                    return NotCut;
                default:
                    return LinkSocket.Failed;
            }
        }
    }

    /// <summary>Datagrams in message <paramref name="index"/>.</summary>
    public int Datagrams(int index) => _shapes[index].Datagrams;

    /// <summary>Bytes of each of them on the socket, the last one perhaps excepted.</summary>
    public int SegmentSize(int index) => _shapes[index].SegmentSize;

    private bool Joins(int size)
    {
        if (!_grows || size == 0)
        {
            return false;
        }

        ref Shape shape = ref _shapes[_count - 1];
        return size <= shape.SegmentSize && shape.Datagrams < MaxSegments && shape.Bytes + size <= MaxMessageBytes;
    }

    private void Slices(ref Libc.MessageHeader header, PacketBuffer block, int offset, int length)
    {
        if (_headLength > 0)
        {
            _vectors[_vectorCount++] = new Libc.IoVector { Base = Address(_heads) + ((_targets - 1) * MaxHead), Length = (nuint)_headLength };
            header.VectorCount++;
        }

        byte* payload = Address(block.Array) + offset;
        if (_headLength == 0 && header.VectorCount > 0)
        {
            ref Libc.IoVector last = ref _vectors[_vectorCount - 1];
            if ((byte*)last.Base + last.Length == payload)
            {
                last.Length += (nuint)length;
                return;
            }
        }

        _vectors[_vectorCount++] = new Libc.IoVector { Base = payload, Length = (nuint)length };
        header.VectorCount++;
    }

    // Of arrays that stay where they are: ours are made so, and so are the pool's blocks.
    private static T* Address<T>(T[] pinned)
        where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));

    private struct Shape
    {
        public int Datagrams;
        public int SegmentSize;
        public int Bytes;
    }
}
