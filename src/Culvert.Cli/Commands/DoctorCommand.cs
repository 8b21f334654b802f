using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Cli.Doctor;
using Culvert.Core;

namespace Culvert.Cli.Commands;

/// <summary><c>culvert doctor [EXIT]</c>: what this machine lacks, with the fix.</summary>
internal static class DoctorCommand
{
    public static Command Declaration { get; } = Declare();

    private static Command Declare()
    {
        Command command = new("doctor", "Tell what this machine lacks, and how to mend it; with an EXIT, also the path there")
        {
            TunnelOptions.ExitOrProfile, CommonOptions.Verbose,
        };
        command.SetAction(static (parsed, cancellation) => RunAsync(parsed, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        Machine machine = await MachineReader.ReadAsync(await HostAsync(parsed, cancellation), cancellation);
        IReadOnlyList<Finding> findings = Examination.Of(machine);
        foreach (Finding finding in findings.Where(f => f.Severity > Severity.Fine || parsed.GetValue(CommonOptions.Verbose)))
        {
            string mark = finding.Severity switch { Severity.Fine => "ok", Severity.Warning => "warning", _ => "problem" };
            Console.Out.WriteLine($"{mark}: {finding.Subject}: {finding.What}{(finding.Fix.Length > 0 ? $"\n    {finding.Fix}" : "")}");
        }

        int problems = findings.Count(static f => f.Severity == Severity.Problem);
        int warnings = findings.Count(static f => f.Severity == Severity.Warning);
        Console.Out.WriteLine($"{findings.Count} things looked at: {problems} problems, {warnings} warnings");
        return problems > 0 ? ExitCodes.Configuration : ExitCodes.Ok;
    }

    private static async Task<IPAddress?> HostAsync(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(TunnelOptions.ExitOrProfile) is null || TunnelOptions.Read(parsed) is not { Exit.Dialled: [var host, ..] })
        {
            return null;
        }

        try
        {
            return host.Address ?? (await Dns.GetHostAddressesAsync(host.Host, cancellation)).FirstOrDefault();
        }
        catch (SocketException e)
        {
            throw new CulvertException(FailureKind.NameNotFound, $"The name of the exit, {host.Host}, could not be resolved: {e.Message}", e);
        }
    }
}
