using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Culvert.Platform.Linux;

/// <summary>
/// While it lives, signals sent to the engine reach the command instead: SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 always; SIGINT and SIGQUIT unless
/// the terminal's keys have sent them to the command already. Signals that were ignored from the start stay ignored, by the command too.
/// </summary>
public sealed class SignalForwarding : IDisposable
{
    private const PosixSignal User1 = (PosixSignal)10; // raw numbers are allowed for signals without a name
    private const PosixSignal User2 = (PosixSignal)12;
    private readonly List<PosixSignalRegistration> _registrations = [];

    /// <summary>Starts forwarding to <paramref name="command"/>.</summary>
    public SignalForwarding(ConfinedCommand command)
    {
        foreach ((PosixSignal signal, int number, bool fromKeys) in (ReadOnlySpan<(PosixSignal, int, bool)>)
            [
                (PosixSignal.SIGHUP, 1, false), (PosixSignal.SIGINT, 2, true), (PosixSignal.SIGQUIT, 3, true), (User1, 10, false),
                (User2, 12, false), (PosixSignal.SIGTERM, 15, false),
            ])
        {
            if (!ProcessStatus.Ignores(number))
            {
                _registrations.Add(PosixSignalRegistration.Create(signal, context =>
                {
                    context.Cancel = true;
                    if (!fromKeys || !command.HasTerminal)
                    {
                        command.Signal(number);
                    }
                }));
            }
        }
    }

    /// <summary>Signals mean to the engine what they meant before.</summary>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }
    }
}
