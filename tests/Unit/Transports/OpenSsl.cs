using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading.Tasks;
using Culvert.Tests.Unit.Flows;

namespace Culvert.Tests.Unit.Transports;

/// <summary>The openssl program, the other implementation of TLS here.</summary>
internal static class OpenSsl
{
    public static Process Start(params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new("openssl", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        return Process.Start(start) ?? throw new InvalidOperationException("openssl did not start.");
    }

    /// <summary>Runs it to its end and gives what it said.</summary>
    public static async Task<string> RunAsync(params IEnumerable<string> arguments)
    {
        using Process process = Start(arguments);
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync().WaitAsync(Patience.Soon);
        await process.WaitForExitAsync().WaitAsync(Patience.Soon);
        return output + await errors;
    }
}
