namespace Culvert.Entries.Tun;

/// <summary>Moves the bytes between a flow and its connection at the exit, both ways, until both are finished or one has failed.</summary>
internal interface IFlowPump
{
    /// <summary>Set when both directions are finished, or one has failed.</summary>
    LoopSignal Over { get; }

    /// <summary>The connection failed: the flow must be reset, behind what was sent before.</summary>
    bool HasFailed { get; }

    /// <summary>One direction is finished.</summary>
    bool IsHalfClosed { get; }

    /// <summary>When a byte last moved, in the loop's microseconds.</summary>
    long LastActive { get; }

    /// <summary>Begins to move what is there.</summary>
    void Start();

    /// <summary>The flow has bytes for the exit.</summary>
    void Upload();

    /// <summary>The flow has room for bytes from the exit.</summary>
    void Download();

    /// <summary>The flow is over on its side: ends both directions, and the connection by a reset.</summary>
    void Abort();

    /// <summary>Closes the connection: in order when both directions were finished, by a reset otherwise.</summary>
    void Close();
}
