using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using Culvert.Platform.Linux;

namespace Culvert.Cli.Commands;

/// <summary>
/// <c>--detach</c>: the same command line again, in a process that goes on alone once the tunnel is up. The arguments go over its standard input, not its command
/// line, where every user of the machine could read a password.
/// </summary>
internal static class DetachedProcess
{
    /// <summary>The one argument of a process that finds the others on its standard input.</summary>
    public const string Argument = "--arguments-on-input";

    private const string Ready = "ready";

    /// <summary>The arguments of this process, wherever they came from.</summary>
    public static IReadOnlyList<string> Arguments { get; private set; } = [];

    /// <summary>Whether this process is the one that goes on alone.</summary>
    public static bool IsThis { get; private set; }

    /// <summary>Takes the arguments of Main, and reads the real ones where they are elsewhere.</summary>
    public static string[] Receive(string[] arguments)
    {
        IsThis = arguments is [Argument];
        if (IsThis)
        {
            using StreamReader input = new(Console.OpenStandardInput(), Encoding.UTF8);
            arguments = input.ReadToEnd().Split('\0')[..^1];
        }

        Arguments = arguments;
        return arguments;
    }

    /// <summary>Starts the other process and waits until it is up, or has failed and said why: its exit code then.</summary>
    public static async Task<int> StartAsync()
    {
        // As we were started: by the runtime with our library, or as a single file.
        string own = Environment.ProcessPath!;
        ProcessStartInfo start = new(own) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(own) == "dotnet")
        {
            start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        }

        start.ArgumentList.Add(Argument);
        using Process process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(string.Concat(Arguments.Select(static argument => argument + "\0")));
        process.StandardInput.Close();
        if (await process.StandardOutput.ReadLineAsync() == Ready)
        {
            return ExitCodes.Ok;
        }

        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    /// <summary>Tells whoever started us that the tunnel is up, and lets go of its terminal.</summary>
    public static void TellReady()
    {
        Console.Out.WriteLine(Ready);
        Console.Out.Flush();
        Background.Enter();
    }
}
