using System;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Platform.Links;

namespace Culvert.Platform.Linux;

/// <summary>
/// A command whose only network is a link of ours: it runs in a network and mount namespace of its own, while the engine stays outside and
/// holds the link's descriptor. It keeps the caller's working directory, environment, terminal and descriptors, and is told (SIGHUP) when
/// the engine dies.
/// </summary>
public sealed class ConfinedCommand : IDisposable
{
    internal ConfinedCommand(ILink link) => Link = link;

    /// <summary>The command's only network.</summary>
    public ILink Link { get; }

    /// <summary>
    /// Completes when the command has ended: its exit code, or 128 + n when signal n killed it.
    /// </summary>
    public Task<int> ExitCode { get; } = Task.FromException<int>(new CulvertException(FailureKind.Bug, "Not built yet."));

    /// <summary>
    /// Makes the namespaces and the link, and returns with the command not yet started: it waits for <see cref="Go"/>. Nothing stays behind
    /// on a failure.
    /// </summary>
    /// <exception cref="CulvertException">
    /// <see cref="FailureKind.Privilege"/> or <see cref="FailureKind.Configuration"/>, with the fix in the sentence.
    /// </exception>
    public static ConfinedCommand Start(ConfinedCommandOptions options) => throw new CulvertException(FailureKind.Bug, $"{options.Command}: not built yet.");

    /// <summary>The engine is ready for packets: the command starts now. Returns when it has.</summary>
    /// <exception cref="CulvertException">
    /// <see cref="FailureKind.CommandNotFound"/> or <see cref="FailureKind.CommandNotExecutable"/>.
    /// </exception>
    public void Go() => throw new CulvertException(FailureKind.Bug, $"{Link.Name}: not built yet.");

    /// <summary>Waits for the command's end and returns <see cref="ExitCode"/>.</summary>
    public int Wait() => ExitCode.GetAwaiter().GetResult();

    /// <summary>Sends a signal to the command; nothing when it has ended.</summary>
    public void Signal(int signal) => throw new CulvertException(FailureKind.Bug, $"{Link.Name}: signal {signal}: not built yet.");

    /// <summary>Closes the link. A command not yet started never starts; one that still runs is told by SIGHUP.</summary>
    public void Dispose() => Link.Dispose();
}
