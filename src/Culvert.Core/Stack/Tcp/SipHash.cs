using System;
using System.Buffers.Binary;
using System.Numerics;

namespace Culvert.Core.Stack.Tcp;

/// <summary>
/// SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): 64 bits that nobody without the key can tell from chance. What Linux takes for its
/// own initial sequence numbers; the framework's keyed hashes would load all of OpenSSL, 5 MB, into a tunnel that has no other use for it.
/// </summary>
internal static class SipHash
{
    /// <summary>Bytes of a key.</summary>
    public const int KeySize = 16;

    /// <summary>The hash of <paramref name="data"/>, any length, under <paramref name="key"/>, <see cref="KeySize"/> bytes.</summary>
    public static ulong Compute(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data)
    {
        ulong first = BinaryPrimitives.ReadUInt64LittleEndian(key);
        ulong second = BinaryPrimitives.ReadUInt64LittleEndian(key[8..]);
        State state = new(first ^ 0x736f6d6570736575, second ^ 0x646f72616e646f6d, first ^ 0x6c7967656e657261, second ^ 0x7465646279746573);
        ulong last = (ulong)data.Length << 56;
        for (; data.Length >= sizeof(ulong); data = data[sizeof(ulong)..])
        {
            state.Absorb(BinaryPrimitives.ReadUInt64LittleEndian(data));
        }

        for (int i = 0; i < data.Length; i++)
        {
            last |= (ulong)data[i] << (8 * i);
        }

        state.Absorb(last);
        return state.Finish();
    }

    private struct State(ulong v0, ulong v1, ulong v2, ulong v3)
    {
        private ulong _v0 = v0;
        private ulong _v1 = v1;
        private ulong _v2 = v2;
        private ulong _v3 = v3;

        public void Absorb(ulong word)
        {
            _v3 ^= word;
            Round();
            Round();
            _v0 ^= word;
        }

        public ulong Finish()
        {
            _v2 ^= 0xff;
            Round();
            Round();
            Round();
            Round();
            return _v0 ^ _v1 ^ _v2 ^ _v3;
        }

        private void Round()
        {
            _v0 += _v1;
            _v1 = BitOperations.RotateLeft(_v1, 13) ^ _v0;
            _v0 = BitOperations.RotateLeft(_v0, 32);
            _v2 += _v3;
            _v3 = BitOperations.RotateLeft(_v3, 16) ^ _v2;
            _v0 += _v3;
            _v3 = BitOperations.RotateLeft(_v3, 21) ^ _v0;
            _v2 += _v1;
            _v1 = BitOperations.RotateLeft(_v1, 17) ^ _v2;
            _v2 = BitOperations.RotateLeft(_v2, 32);
        }
    }
}
