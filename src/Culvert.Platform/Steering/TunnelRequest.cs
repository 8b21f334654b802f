using System;
using System.Diagnostics.CodeAnalysis;
using Culvert.Core;
using Culvert.Platform.Channel;
using Culvert.Platform.Interop;
using Culvert.Platform.Linux;
using Culvert.Platform.Undo;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Steering;

/// <summary>A command line of the helper that has to do with the machine's own network: <c>tunnel</c>, <c>cleanup</c>, or <c>close</c>.</summary>
/// <param name="Verb"><see cref="HelperStart.Verb"/>, <see cref="Cleanup.Verb"/> or <see cref="ClosedStart.Verb"/>.</param>
/// <param name="Journals">The directory of the journals.</param>
/// <param name="DryRun">Clean-up tells only.</param>
/// <param name="KeepGuards">Clean-up leaves kill switches.</param>
internal sealed record TunnelRequest(string Verb, string Journals, bool DryRun = false, bool KeepGuards = false)
{
    private const int NothingLeft = 0;
    private const int SomethingLeft = 9;
    private const int Failed = 3;

    /// <summary>Whether an exit code is the helper's own word, not that of a program that was to start it.</summary>
    public static bool IsOwn(int exitCode) => exitCode is NothingLeft or SomethingLeft or Failed;

    /// <summary>Reads the helper's arguments; false when they are not an engine's.</summary>
    public static bool TryParse(string[] arguments, [NotNullWhen(true)] out TunnelRequest? request)
    {
        request = null;
        if (arguments.Length == 0 || arguments[0] is not (HelperStart.Verb or Cleanup.Verb or ClosedStart.Verb))
        {
            return false;
        }

        TunnelRequest read = new(arguments[0], JournalDirectory.Standard);
        foreach (string argument in arguments.AsSpan(1))
        {
            if (argument.StartsWith(HelperStart.JournalsArgument, StringComparison.Ordinal))
            {
                read = read with { Journals = argument[HelperStart.JournalsArgument.Length..] };
            }
            else if (argument == Cleanup.DryRunArgument && read.Verb == Cleanup.Verb)
            {
                read = read with { DryRun = true };
            }
            else if (argument == Cleanup.KeepGuardsArgument && read.Verb == Cleanup.Verb)
            {
                read = read with { KeepGuards = true };
            }
            else
            {
                return false;
            }
        }

        request = read;
        return true;
    }

    /// <summary>Does it; returns the exit code.</summary>
    public int Perform()
    {
        try
        {
            if (Verb == Cleanup.Verb)
            {
                return Cleanup.Run(Journals, DryRun, KeepGuards, Console.Out.WriteLine) ? NothingLeft : SomethingLeft;
            }

            if (Verb == ClosedStart.Verb)
            {
                ClosedStart.Run(Journals, Console.Out.WriteLine);
                return NothingLeft;
            }

            using TunnelServant servant = new(TakeChannel(), Journals);
            return servant.Run();
        }
        catch (CulvertException failure)
        {
            Console.Error.WriteLine(failure.Message);
            return Failed;
        }
    }

    /// <summary>The channel is standard input. It is moved away from there, so that programs started from here do not hold it open.</summary>
    private static HelperChannel TakeChannel()
    {
        SafeFileHandle channel = Descriptors.Own(Libc.fcntl(0, Libc.F_DUPFD_CLOEXEC, 3), "The helper has no channel");
        using SafeFileHandle nothing = Descriptors.Own(Libc.open("/dev/null", Libc.O_RDWR | Libc.O_CLOEXEC, 0), "/dev/null cannot be opened");
        return Libc.dup2((int)nothing.DangerousGetHandle(), 0) == 0 ? new HelperChannel(channel) : throw Descriptors.Failure("The helper's channel could not be moved");
    }
}
