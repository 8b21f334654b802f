namespace Culvert.Names;

/// <summary>The ways to answer DNS queries.</summary>
public enum NamesKind
{
    /// <summary><see cref="Remote"/> where the exit has a resolver, <see cref="Virtual"/> otherwise.</summary>
    Auto,

    /// <summary>By fake addresses that stand for the name.</summary>
    Virtual,

    /// <summary>By the exit's own resolver.</summary>
    Remote,

    /// <summary>By a server given by its address, asked through the exit.</summary>
    Server,

    /// <summary>By a server given by its URL, asked through the exit over HTTPS (RFC 8484).</summary>
    Https,
}
