using System;
using System.Globalization;
using Culvert.Tests.Lab;

namespace Culvert.Tests.EndToEnd.Up;

/// <summary>A <c>culvert up</c> that is up; disposing ends it the orderly way.</summary>
internal sealed class RunningTunnel(Command command) : IDisposable
{
    private const int Interrupt = 2;
    private const int Terminate = 15;
    private bool _ended;

    /// <summary>The process of the engine.</summary>
    internal int Engine => command.Id;

    /// <summary>The process of the helper: the engine's child, or what sudo started for it.</summary>
    internal int Helper => int.Parse(LabNetwork.System($"pgrep --ns {Engine} --nslist net -f '^[^ ]*dotnet [^ ]*culvert-helper.dll tunnel'"), CultureInfo.InvariantCulture);

    /// <summary>What it has said so far.</summary>
    internal string Said => command.Error;

    /// <summary>Waits until it has said something.</summary>
    internal void WaitFor(string text) => command.WaitFor(text);

    /// <summary>Presses Ctrl-C and waits for the end.</summary>
    internal CommandResult Interrupted() => End(Interrupt);

    /// <summary>Waits for an end that something else has brought about.</summary>
    internal CommandResult Ended()
    {
        _ended = true;
        return command.Wait();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_ended)
        {
            End(Terminate);
        }

        command.Dispose();
    }

    private CommandResult End(int signal)
    {
        command.Signal(signal);
        return Ended();
    }
}
