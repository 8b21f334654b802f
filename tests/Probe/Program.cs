using System;
using System.IO;
using System.Text;
using System.Threading;
using Culvert.Core;
using Culvert.Platform.Linux;
using Culvert.Tests.Probe;

// A helper that dies where a test says, and an engine of a tunnel that does what its input says.
if (args is [TunnelEngine.HelperVerb, ..])
{
    return MortalHelper.Run(args);
}

if (args is [TunnelEngine.Verb, string journals, string helper])
{
    return await TunnelEngine.RunAsync(journals, helper).ConfigureAwait(false);
}

// The smallest engine: confines a command, answers its pings, and ends as it ended. Tests start it where the engine must be a process
// of its own (another user, a terminal, kill -9). Usage: COMMAND [ARGUMENT…]
try
{
    using ConfinedCommand command = ConfinedCommand.Start(new ConfinedCommandOptions { Command = args[0], Arguments = args[1..], Queues = 1 });
    using SignalForwarding signals = new(command);
    bool ended = false;
    _ = command.ExitCode.ContinueWith(
        _ =>
        {
            Volatile.Write(ref ended, true);
            command.Link.Wake();
        },
        System.Threading.Tasks.TaskScheduler.Default);
    Thread answering = new(() => EchoAnswers.Give(command.Link, () => Volatile.Read(ref ended)));
    answering.Start();
    try
    {
        command.Go();
        return command.Wait();
    }
    finally
    {
        Volatile.Write(ref ended, true);
        command.Link.Wake();
        answering.Join();
    }
}
catch (CulvertException failure)
{
    using Stream errors = Console.OpenStandardError();
    errors.Write(Encoding.UTF8.GetBytes($"probe: {failure.Kind}: {failure.Message}\n"));
    return failure.Kind switch
    {
        FailureKind.CommandNotFound => 127,
        FailureKind.CommandNotExecutable => 126,
        _ => 125,
    };
}
