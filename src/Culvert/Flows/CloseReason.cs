namespace Culvert.Flows;

/// <summary>How a relay ended.</summary>
public enum CloseReason
{
    /// <summary>Both sides finished sending, and everything was delivered.</summary>
    Finished,

    /// <summary>One side was reset or failed; the other was reset.</summary>
    Reset,

    /// <summary>Nothing came for too long; both were reset.</summary>
    Idle,

    /// <summary>The caller wanted it to end; both were reset.</summary>
    Cancelled,
}
