using System;
using System.Globalization;
using Culvert.Platform.Channel;
using Culvert.Platform.Interop;
using Culvert.Platform.Steering;

namespace Culvert.Tests.Probe;

/// <summary>The helper's own code for a tunnel, killed (SIGKILL) at a certain line of the journal: after it is written, or before when the number is negative.</summary>
internal static class MortalHelper
{
    /// <summary>The environment variable with that number.</summary>
    public const string DeathVariable = "PROBE_DIES_AT";

    /// <summary>Serves the channel that is standard input.</summary>
    public static int Run(string[] arguments)
    {
        if (!TunnelRequest.TryParse(arguments, out TunnelRequest? request))
        {
            return 2;
        }

        int lines = 0;
        int death = int.Parse(Environment.GetEnvironmentVariable(DeathVariable)!, CultureInfo.InvariantCulture);
        HelperChannel channel = new(Descriptors.Own(Libc.fcntl(0, Libc.F_DUPFD_CLOEXEC, 3), "no channel"));
        _ = Libc.close(0);
        using TunnelServant servant = new(channel, request.Journals, (line, written) =>
        {
            lines += written ? 0 : 1;
            if (lines == Math.Abs(death) && written == death > 0)
            {
                Console.Error.WriteLine($"dies at {line.TrimEnd()}");
                _ = Libc.kill(Libc.getpid(), Libc.SIGKILL);
            }
        });
        return servant.Run();
    }
}
