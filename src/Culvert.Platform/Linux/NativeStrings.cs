using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Culvert.Platform.Linux;

/// <summary>A null-terminated array of C strings, as execve wants its arguments and environment.</summary>
internal sealed unsafe class NativeStrings : IDisposable
{
    private readonly byte** _vector;
    private readonly int _owned;

    /// <summary>Copies of <paramref name="strings"/>, then the borrowed <paramref name="rest"/> (itself null-terminated) where given.</summary>
    public NativeStrings(IReadOnlyList<byte[]> strings, byte** rest = null)
    {
        int others = 0;
        while (rest is not null && rest[others] is not null)
        {
            others++;
        }

        _owned = strings.Count;
        _vector = (byte**)NativeMemory.AllocZeroed((nuint)(strings.Count + others + 1), (nuint)sizeof(byte*));
        for (int i = 0; i < strings.Count; i++)
        {
            _vector[i] = (byte*)NativeMemory.AllocZeroed((nuint)strings[i].Length + 1);
            strings[i].CopyTo(new Span<byte>(_vector[i], strings[i].Length));
        }

        for (int i = 0; i < others; i++)
        {
            _vector[strings.Count + i] = rest[i];
        }
    }

    public byte** Pointer => _vector;

    public byte* First => _vector[0];

    public void Dispose()
    {
        for (int i = 0; i < _owned; i++)
        {
            NativeMemory.Free(_vector[i]);
        }

        NativeMemory.Free(_vector);
    }
}
