using System;
using System.Diagnostics;

namespace Culvert.Core.Packets;

/// <summary>
/// A pooled block of bytes holding one packet (or part of a flow's data). Whoever rents it owns one reference; an owner
/// gives its reference back with <see cref="Release"/> or moves it to a callee that says so, exactly once. Belongs to one
/// loop: not safe for use from two threads at a time.
/// </summary>
public sealed class PacketBuffer
{
    private readonly PacketPool _pool;
    private int _references;

    internal PacketBuffer(PacketPool pool, byte[] array)
    {
        _pool = pool;
        Array = array;
    }

    /// <summary>The whole block; the packet is <see cref="Span"/>.</summary>
    public byte[] Array { get; }

    /// <summary>Bytes the block can hold.</summary>
    public int Capacity => Array.Length;

    /// <summary>Offset of the packet's first byte in <see cref="Array"/>.</summary>
    public int Start { get; set; }

    /// <summary>Bytes of the packet.</summary>
    public int Length { get; set; }

    /// <summary>What the device left undone or vouched for.</summary>
    public PacketOffload Offload { get; set; }

    /// <summary>The packet's bytes, borrowed.</summary>
    public Span<byte> Span => Array.AsSpan(Start, Length);

    /// <summary>The packet's bytes; valid as long as a reference is held.</summary>
    public Memory<byte> Memory => Array.AsMemory(Start, Length);

    /// <summary>Who rented this block; kept in debug builds only, to name the culprit of a leak.</summary>
    internal string? Renter { get; set; }

    /// <summary>The source file of <see cref="Renter"/>.</summary>
    internal string? RenterFile { get; set; }

    /// <summary>Adds an owner.</summary>
    public void AddReference()
    {
        Debug.Assert(_references > 0, "a buffer given back cannot be owned again");
        _references++;
    }

    /// <summary>Gives one reference back; the last returns the block to its pool.</summary>
    public void Release()
    {
        Debug.Assert(_references > 0, "a buffer is given back once");
        if (--_references == 0)
        {
            _pool.Return(this);
        }
    }

    internal void Rented()
    {
        _references = 1;
        Start = 0;
        Length = 0;
        Offload = default;
    }
}
