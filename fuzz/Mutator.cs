using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace Culvert.Fuzz;

/// <summary>Makes inputs out of valid ones: some left as they are, most changed in one to eight places, headers more than payload.</summary>
internal sealed class Mutator(ulong seed, IReadOnlyList<byte[]> corpus, Repair? repair)
{
    /// <summary>The longest input that is made.</summary>
    public const int MaxLength = 66_000;

    private const int Long = 4096;

    private static readonly uint[] Interesting =
        [0, 1, 2, 4, 7, 8, 0x0F, 0x10, 0x14, 0x28, 0x3F, 0x40, 0x7F, 0x80, 0xFF, 0x100, 0x1FFF, 0x2000, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF];

    private readonly byte[] _input = new byte[MaxLength];
    private FuzzRandom _random = new(seed);
    private int _length;

    /// <summary>The input that <see cref="Next"/> made last.</summary>
    public ReadOnlySpan<byte> Current => _input.AsSpan(0, _length);

    /// <summary>Makes the next input; valid until the next call.</summary>
    public ReadOnlySpan<byte> Next()
    {
        byte[] chosen = corpus[_random.Below(corpus.Count)];
        if (chosen.Length > Long && !_random.OnceIn(16))
        {
            chosen = corpus[_random.Below(corpus.Count)]; // the time for one of these does for many others
        }

        chosen.CopyTo(_input, 0);
        _length = chosen.Length;
        if (!_random.OnceIn(16))
        {
            for (int changes = 1 + _random.Below(_random.OnceIn(4) ? 8 : 2); changes > 0; changes--)
            {
                Change();
            }
        }

        repair?.Invoke(_input.AsSpan(0, _length), ref _random);
        return Current;
    }

    private void Change()
    {
        if (_length == 0)
        {
            return;
        }

        int at = Place();
        switch (_random.Below(12))
        {
            case 0 or 1 or 2:
                _input[at] ^= (byte)(1 << _random.Below(8));
                break;
            case 3 or 4:
                _input[at] = (byte)_random.Next();
                break;
            case 5:
                _input[at] = (byte)Interesting[_random.Below(Interesting.Length)];
                break;
            case 6 when at + 2 <= _length:
                BinaryPrimitives.WriteUInt16BigEndian(_input.AsSpan(at), (ushort)Interesting[_random.Below(Interesting.Length)]);
                break;
            case 7 when at + 4 <= _length:
                BinaryPrimitives.WriteUInt32BigEndian(_input.AsSpan(at), Interesting[_random.Below(Interesting.Length)]);
                break;
            case 8 when at + 2 <= _length: // as if a length field, off by a little
                BinaryPrimitives.WriteUInt16BigEndian(_input.AsSpan(at), (ushort)(_length - _random.Below(64) + 8));
                break;
            case 9:
                _length = _random.OnceIn(2) ? at : Math.Max(0, _length - 1 - _random.Below(16));
                break;
            case 10:
                Splice(at);
                break;
            case 11:
                MoveTail(at);
                break;
        }
    }

    /// <summary>From <paramref name="at"/> on, another valid input from somewhere on.</summary>
    private void Splice(int at)
    {
        byte[] other = corpus[_random.Below(corpus.Count)];
        int from = Math.Min(_random.OnceIn(2) ? at : _random.Below(other.Length + 1), other.Length);
        int count = Math.Min(other.Length - from, MaxLength - at);
        other.AsSpan(from, count).CopyTo(_input.AsSpan(at));
        _length = at + count;
    }

    /// <summary>Puts bytes in or takes bytes out.</summary>
    private void MoveTail(int at)
    {
        int by = Math.Min(1 + _random.Below(_random.OnceIn(2) ? 8 : 64), MaxLength - _length);
        if (_random.OnceIn(2))
        {
            _input.AsSpan(at, _length - at).CopyTo(_input.AsSpan(at + by)); // what is put in repeats what follows
            _length += by;
        }
        else
        {
            by = Math.Min(by, _length - at);
            _input.AsSpan(at + by, _length - at - by).CopyTo(_input.AsSpan(at));
            _length -= by;
        }
    }

    private int Place() => _random.Below(_random.OnceIn(4) ? _length : Math.Min(_length, 96));
}
