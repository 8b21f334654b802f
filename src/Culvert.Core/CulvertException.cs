using System;

namespace Culvert.Core;

/// <summary>
/// The one exception type of Culvert: an operation that a caller asked for failed. The message is a whole sentence for
/// a person: what failed, why, and what to do next. Bytes from the network never cause it to be thrown by a parser.
/// </summary>
public sealed class CulvertException : Exception
{
    /// <summary>A failure of <paramref name="kind"/>, told to people as <paramref name="message"/>.</summary>
    public CulvertException(FailureKind kind, string message, Exception? inner = null)
        : base(message, inner) => Kind = kind;

    /// <summary>What sort of failure it is.</summary>
    public FailureKind Kind { get; }
}
