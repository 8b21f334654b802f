namespace Culvert.Core.Session;

/// <summary>Where a stream waits for its turn.</summary>
internal enum TurnLine : byte
{
    /// <summary>Nowhere.</summary>
    None,

    /// <summary>Among those that were silent.</summary>
    Sparse,

    /// <summary>Among those that have sent a turn's worth.</summary>
    Bulk,
}
