namespace Culvert.Tunnel;

/// <summary>Why the exit is asked whether it is there.</summary>
internal enum Occasion
{
    /// <summary>It is time to; nothing speaks against it.</summary>
    Routine,

    /// <summary>The network changed, or a flow met an exit that did not work.</summary>
    Doubt,

    /// <summary>It is away, as far as is known.</summary>
    Away,
}
