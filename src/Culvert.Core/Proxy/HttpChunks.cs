using System;

namespace Culvert.Core.Proxy;

/// <summary>
/// Follows a chunked body (RFC 9112 section 7.1) to find its end, so that it can be passed on byte for byte. Strict about line ends and sizes;
/// extensions and trailers are passed on unread.
/// </summary>
public sealed class HttpChunks
{
    /// <summary>Most bytes of a chunk's size line, extensions included.</summary>
    public const int MaxSizeLine = 4096;

    /// <summary>Most bytes of the trailers.</summary>
    public const int MaxTrailers = HttpFields.MaxHead;

    private State _state = State.Size;
    private long _left;
    private int _line;
    private int _digits;

    private enum State : byte
    {
        Size,
        Extension,
        SizeEnd,
        Data,
        DataCr,
        DataLf,
        TrailerStart,
        Trailer,
        TrailerLf,
        LastLf,
        Done,
    }

    /// <summary>
    /// Looks at the next bytes of the body; <paramref name="consumed"/> of them belong to it: all, unless it is <see cref="ParseStatus.Done"/>.
    /// </summary>
    public ParseStatus Scan(ReadOnlySpan<byte> data, out int consumed)
    {
        consumed = 0;
        while (consumed < data.Length && _state != State.Done)
        {
            if (_state == State.Data)
            {
                int count = (int)Math.Min(_left, data.Length - consumed);
                consumed += count;
                _left -= count;
                _state = _left == 0 ? State.DataCr : State.Data;
                continue;
            }

            ParseStatus status = Step(data[consumed]);
            if (status != ParseStatus.Done)
            {
                return status;
            }

            consumed++;
        }

        return _state == State.Done ? ParseStatus.Done : ParseStatus.NeedMore;
    }

    private ParseStatus Step(byte b)
    {
        if (++_line > (_state >= State.TrailerStart ? MaxTrailers : MaxSizeLine))
        {
            return ParseStatus.TooLarge;
        }

        switch (_state)
        {
            case State.Size when char.IsAsciiHexDigit((char)b):
                _left = (_left << 4) | (uint)(b <= '9' ? b - '0' : (b | 0x20) - 'a' + 10);
                return ++_digits <= 15 ? ParseStatus.Done : ParseStatus.Malformed;
            case State.Size when _digits > 0 && b is (byte)';' or (byte)' ' or (byte)'\t':
                return Next(_digits > 0, State.Extension);
            case State.Size:
                return Next(_digits > 0 && b == '\r', State.SizeEnd);
            case State.Extension when b == '\r':
                return Next(true, State.SizeEnd);
            case State.Extension:
                return Next(b is >= 0x20 or (byte)'\t', State.Extension);
            case State.SizeEnd:
                _digits = 0;
                _line = 0;
                return Next(b == '\n', _left > 0 ? State.Data : State.TrailerStart);
            case State.DataCr:
                return Next(b == '\r', State.DataLf);
            case State.DataLf:
                _line = 0;
                return Next(b == '\n', State.Size);
            case State.TrailerStart:
                return Next(b != '\n', b == '\r' ? State.LastLf : State.Trailer);
            case State.Trailer:
                return Next(b != '\n', b == '\r' ? State.TrailerLf : State.Trailer);
            case State.TrailerLf:
                return Next(b == '\n', State.TrailerStart);
            default:
                return Next(b == '\n', State.Done);
        }
    }

    private ParseStatus Next(bool valid, State state)
    {
        _state = state;
        return valid ? ParseStatus.Done : ParseStatus.Malformed;
    }
}
