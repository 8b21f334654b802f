using System.Collections.Generic;

namespace Culvert.Cli.Profiles;

/// <summary>A value of the configuration file, and where it stands.</summary>
/// <param name="Value">A string, a long, a bool, or a list of strings.</param>
/// <param name="Line">Its line, from 1.</param>
internal readonly record struct TomlValue(object Value, int Line)
{
    /// <summary>The words for what it is.</summary>
    public string Kind => Value switch { string => "a string", long => "a number", bool => "true or false", _ => "a list" };

    /// <summary>The strings of a list, or the one string.</summary>
    public IReadOnlyList<string>? Strings => Value as IReadOnlyList<string> ?? (Value is string one ? [one] : null);
}
