using System;
using System.Collections.Generic;
using Culvert.Tests.Lab;

namespace Culvert.Tests.EndToEnd.Proxy;

/// <summary>A test of <c>culvert proxy</c> on the client.</summary>
public abstract class ProxyTest(LabFixture fixture) : LabTest(fixture)
{
    private const int Interrupt = 2;

    /// <summary>Starts <c>culvert proxy</c> with these arguments and returns when it listens on <paramref name="port"/>.</summary>
    protected Command Begin(string arguments, int port = 1080)
    {
        Command proxy = Own(new EndedPolitely(Network.Client.Start(Line(arguments), new CommandOptions { TimeOut = TimeSpan.FromMinutes(2) }))).Command;
        Network.Client.WaitForListener(port, proxy);
        return proxy;
    }

    /// <summary>Runs <c>culvert proxy</c> to its end, for arguments that it must refuse.</summary>
    protected CommandResult Refused(string arguments) => Network.Client.Run(Line(arguments), new CommandOptions { TimeOut = TimeSpan.FromSeconds(20) });

    /// <summary>Runs a line of bash on the client, next to the proxy.</summary>
    protected CommandResult Shell(string line) => Network.Client.Shell(line);

    // A proxy needs no privileges: all of these tests run it as a plain user.
    private string[] Line(string arguments) => CulvertProgram.PlainLine(Network, [.. (IEnumerable<string>)["proxy"], .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

    /// <summary>Ends the proxy as Ctrl-C does, so that it can put its things in order; and fails the test when it does not end.</summary>
    private sealed class EndedPolitely(Command command) : IDisposable
    {
        internal Command Command => command;

        public void Dispose()
        {
            command.Signal(Interrupt);
            using (command)
            {
                CommandResult result = command.Wait();
                if (result.ExitCode is not (0 or 130 or 137))
                {
                    throw new InvalidOperationException("The proxy did not end as it should: " + result);
                }
            }
        }
    }
}
