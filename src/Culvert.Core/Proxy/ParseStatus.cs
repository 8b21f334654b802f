namespace Culvert.Core.Proxy;

/// <summary>What an incremental parser makes of the bytes that are there so far.</summary>
public enum ParseStatus : byte
{
    /// <summary>All right so far, but not whole: call again with more bytes behind the same ones.</summary>
    NeedMore,

    /// <summary>Whole and well-formed.</summary>
    Done,

    /// <summary>More bytes will not help.</summary>
    Malformed,

    /// <summary>Not whole at the named limit for its size.</summary>
    TooLarge,
}
