using System;
using System.Buffers.Binary;
using Culvert.Core.Dns;
using Culvert.Platform;

namespace Culvert.Names;

/// <summary>
/// A client's query under an identifier of our own, so that who sees or guesses the client's cannot forge answers (RFC 5452 section 9.2), and answers of
/// several clients do not mix.
/// </summary>
internal sealed class OutwardQuery
{
    private readonly byte[] _message;
    private readonly ushort _asked;

    /// <summary>Takes a copy of <paramref name="query"/>, which has at least a header, under a random identifier.</summary>
    public OutwardQuery(ReadOnlyMemory<byte> query)
    {
        _message = query.ToArray();
        _asked = BinaryPrimitives.ReadUInt16BigEndian(_message);
        Renumber();
    }

    /// <summary>The query as it goes out.</summary>
    public ReadOnlyMemory<byte> Message => _message;

    /// <summary>The identifier it goes out with.</summary>
    public ushort Id => BinaryPrimitives.ReadUInt16BigEndian(_message);

    /// <summary>Takes another random identifier; only before the query has gone out.</summary>
    public void Renumber() => SystemRandom.Fill(_message.AsSpan(0, 2));

    /// <summary>
    /// Checks that <paramref name="message"/> answers this query, and gives a copy of it with the client's own identifier; false for anything else.
    /// </summary>
    public bool TryAccept(ReadOnlySpan<byte> message, out byte[] answer)
    {
        if (!DnsQuestion.IsAnswered(_message, message))
        {
            answer = [];
            return false;
        }

        answer = message.ToArray();
        BinaryPrimitives.WriteUInt16BigEndian(answer, _asked);
        return true;
    }
}
