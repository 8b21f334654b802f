using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Culvert.Platform.Interop;
using Culvert.Tests.Lab;

namespace Culvert.Tests.EndToEnd.Platform;

/// <summary>A probe with its command, as a process of its own.</summary>
internal sealed class ProbeRun : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    // A device that is everybody's, as distributions have it, in a mount namespace of the test's own.
    private const string AsPlainUser = """
        mount -t tmpfs -o mode=755 device /dev/net && mknod -m 666 /dev/net/tun c 10 200 && exec setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
        """;

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _error;

    private ProbeRun(ProcessStartInfo start)
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        _process = Process.Start(start)!;
        _output = _process.StandardOutput.ReadToEndAsync();
        _error = _process.StandardError.ReadToEndAsync();
    }

    public int Id => _process.Id;

    public StreamWriter Input => _process.StandardInput;

    /// <summary>Processes whose parent is the probe: the command, or what becomes it.</summary>
    public IEnumerable<int> Children => Descendants(_process.Id);

    /// <summary>Starts the probe with a command.</summary>
    /// <param name="folder">Where the probe is.</param>
    /// <param name="plain">As nobody, with a TUN device for everybody; else as root.</param>
    /// <param name="command">The command and its arguments.</param>
    /// <param name="before">A line of shell that prepares a mount namespace of the test's own, and ends in <c>exec … "$@"</c>.</param>
    /// <param name="environment">Variables to set.</param>
    /// <param name="directory">Working directory.</param>
    public static ProbeRun Start(
        ProbeFolder folder, bool plain, IEnumerable<string> command, string? before = null, IDictionary<string, string>? environment = null, string? directory = null)
    {
        ProcessStartInfo start = new("unshare") { WorkingDirectory = directory ?? "/" };
        foreach (string argument in (IEnumerable<string>)
            ["--mount", "sh", "-c", before ?? (plain ? AsPlainUser : "exec \"$@\""), "sh", "/usr/bin/env", "dotnet", Path.Combine(folder.Folder, "Culvert.Tests.Probe.dll"), .. command])
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return new ProbeRun(start);
    }

    /// <summary>Runs a line of shell behind the link to its end.</summary>
    public static (int ExitCode, string Output, string Error) Shell(ProbeFolder folder, bool plain, string line, string? before = null)
    {
        using ProbeRun run = Start(folder, plain, ["sh", "-c", line], before);
        return run.Wait();
    }

    public (int ExitCode, string Output, string Error) Wait()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(Limit) || !Task.WaitAll([_output, _error], Limit))
        {
            throw new TimeoutException("The probe or something that holds its output did not end.");
        }

        return (_process.ExitCode, _output.Result, _error.Result);
    }

    public void Signal(int signal) => Libc.kill(_process.Id, signal);

    /// <summary>Waits until a file that the command writes is there, and reads it.</summary>
    public static string Appears(string path)
    {
        Until.True(() => File.Exists(path) && File.ReadAllText(path).EndsWith('\n'), path);
        return File.ReadAllText(path).TrimEnd();
    }

    /// <summary>Whether a process is over; it may still wait for an init that is slow to take note of its orphans.</summary>
    public static bool HasEnded(int process)
    {
        try
        {
            string status = File.ReadAllText($"/proc/{process}/stat");
            return status[(status.LastIndexOf(')') + 2)..][0] is 'Z' or 'X';
        }
        catch (IOException)
        {
            return true;
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static IEnumerable<int> Descendants(int process)
    {
        string children = $"/proc/{process}/task";
        if (!Directory.Exists(children))
        {
            return [];
        }

        return Directory.GetDirectories(children)
            .SelectMany(thread => File.ReadAllText(Path.Combine(thread, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(int.Parse);
    }
}
