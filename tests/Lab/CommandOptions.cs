using System;
using System.Collections.Generic;

namespace Culvert.Tests.Lab;

/// <summary>How a command is run.</summary>
public sealed record CommandOptions
{
    /// <summary>What the command reads from its standard input; null: nothing (end of file at once).</summary>
    public byte[]? Input { get; init; }

    /// <summary>The input stays open and is written by the test with <see cref="Command.Write"/>.</summary>
    public bool OpenInput { get; init; }

    /// <summary>After this the command is killed and the test fails.</summary>
    public TimeSpan TimeOut { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The working directory; null: <see cref="LabNetwork.Work"/>.</summary>
    public string? Directory { get; init; }

    /// <summary>Variables set (or, with null, removed) on top of the test's own environment.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();
}
