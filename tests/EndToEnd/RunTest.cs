using System;
using System.Collections.Generic;
using System.Globalization;
using Culvert.Tests.Lab;

namespace Culvert.Tests.EndToEnd;

/// <summary>A test of <c>culvert run</c>; as root, or (<paramref name="plain"/>) as a user without privileges.</summary>
public abstract class RunTest(LabFixture fixture, bool plain = false) : LabTest(fixture)
{
    /// <summary>True when this test runs Culvert as a plain user.</summary>
    protected bool Plain { get; } = plain;

    /// <summary>Runs a line of bash through <c>culvert run EXIT --</c> on the client; <paramref name="exit"/> may hold options too.</summary>
    protected CommandResult Through(string exit, string line, CommandOptions? options = null)
    {
        using Command command = Begin(exit, ["bash", "-c", line], options);
        return command.Wait();
    }

    /// <summary>Runs a line of bash through the direct exit.</summary>
    protected CommandResult Through(string line) => Through("", line);

    /// <summary>Starts <c>culvert run EXIT -- COMMAND</c> on the client.</summary>
    protected Command Begin(string exit, IReadOnlyList<string> command, CommandOptions? options = null)
        => Own(Network.Client.Start(Line(["run", .. exit.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--", .. command]), options));

    /// <summary>The command line of Culvert for this test's user.</summary>
    protected string[] Line(params IEnumerable<string> arguments) => Plain ? CulvertProgram.PlainLine(Network, arguments) : CulvertProgram.Line(arguments);

    /// <summary>
    /// Python that makes TCP connections and prints, for each, the error's name (OK without one) and the milliseconds it took; run inside, so that
    /// starting programs is not measured.
    /// </summary>
    protected static string ConnectScript(object host, int port, int times = 1, double limit = 5) => string.Create(CultureInfo.InvariantCulture, $"""
        /usr/bin/python3 - <<'END'
        import errno, socket, time
        for i in range({times}):
            family = socket.AF_INET6 if ':' in '{host}' else socket.AF_INET
            s = socket.socket(family, socket.SOCK_STREAM)
            s.settimeout({limit})
            start = time.monotonic()
            try:
                s.connect(('{host}', {port}))
                outcome = 'OK'
            except TimeoutError:
                outcome = 'TIMEOUT'
            except OSError as error:
                outcome = errno.errorcode.get(error.errno, str(error))
            print(outcome, int((time.monotonic() - start) * 1000))
            s.close()
        END
        """);
}
