using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Threading;
using Culvert.Bench.Load;

namespace Culvert.Bench.Running;

/// <summary>
/// A child process in a namespace, and, when it is or carries the load program, the conversation with it. Everything started here dies with the bench, even when that is killed,
/// and is found again by an environment variable that its descendants inherit.
/// </summary>
internal sealed class LoadProcess : IDisposable
{
    /// <summary>The variable that names the passage a process belongs to.</summary>
    internal const string Mark = "CULVERT_BENCH";

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private const int ErrorRoom = 4000;
    private const int GraceMilliseconds = 2000;

    private readonly Process _process;
    // Never disposed: the end of the output may be told after the end of the process.
    private readonly BlockingCollection<string> _answers = [];
    private readonly StringBuilder _error = new();
    private readonly string _mark;
    private readonly CancellationToken _stop;

    /// <summary>Starts <paramref name="command"/> in a namespace; <paramref name="mark"/> names what it belongs to.</summary>
    internal LoadProcess(string space, IEnumerable<string> command, string mark, string directory, CancellationToken stop)
    {
        _mark = mark;
        _stop = stop;
        ProcessStartInfo start = new("setpriv") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = directory };
        foreach (string word in (IEnumerable<string>)["--pdeathsig", "KILL", "ip", "netns", "exec", space, .. command])
        {
            start.ArgumentList.Add(word);
        }

        start.Environment[Mark] = mark;
        start.Environment["TMPDIR"] = directory;
        _process = Process.Start(start) ?? throw new BenchException("a process did not start");
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The command line of this program as a load program.</summary>
    internal static IReadOnlyList<string> Command(params ReadOnlySpan<string> arguments) =>
        [Environment.ProcessPath ?? "dotnet", typeof(LoadProcess).Assembly.Location, "--load", .. arguments];

    /// <summary>Waits until the load program says that it is ready.</summary>
    internal LoadProcess Ready()
    {
        Answer("start", StartLimit);
        return this;
    }

    /// <summary>Gives an order and returns the answer; throws <see cref="BenchException"/> with what failed, or after <paramref name="seconds"/> and then some.</summary>
    internal string Ask(string order, double seconds = 0)
    {
        try
        {
            _process.StandardInput.WriteLine(order);
            _process.StandardInput.Flush();
        }
        catch (global::System.IO.IOException)
        {
            throw new BenchException($"the process has ended{Said()}");
        }

        return Answer(order, TimeSpan.FromSeconds(seconds + 15));
    }

    /// <summary>What the load program has counted.</summary>
    internal Counters Count() => Counters.Parse(Ask("count"));

    /// <summary>Throws when the process has ended.</summary>
    internal void ThrowIfEnded()
    {
        if (_process.WaitForExit(0))
        {
            throw new BenchException(string.Create(CultureInfo.InvariantCulture, $"the process ended with {_process.ExitCode}{Said()}"));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            // End of input is how a load program is told to go; a tunnel around it then goes as it would for a user.
            _process.StandardInput.Close();
            if (!_process.WaitForExit(GraceMilliseconds))
            {
                _process.Kill(entireProcessTree: true);
                _process.WaitForExit();
            }
        }

        MarkedProcesses.Kill(_mark);
        _process.Dispose();
    }

    private string Answer(string order, TimeSpan limit)
    {
        if (!_answers.TryTake(out string? line, (int)limit.TotalMilliseconds, _stop))
        {
            throw new BenchException(_answers.IsAddingCompleted
                ? $"the process has ended{Said()}"
                : string.Create(CultureInfo.InvariantCulture, $"no answer to '{order}' within {limit.TotalSeconds:F0} s{Said()}"));
        }

        return line.StartsWith(LoadProgram.Good, StringComparison.Ordinal) ? line[LoadProgram.Good.Length..] : throw new BenchException(line[LoadProgram.Bad.Length..]);
    }

    private void Take(string? line)
    {
        if (line is null)
        {
            _answers.CompleteAdding();
        }
        else if (line.StartsWith(LoadProgram.Good, StringComparison.Ordinal) || line.StartsWith(LoadProgram.Bad, StringComparison.Ordinal))
        {
            _answers.Add(line);
        }
        else
        {
            Note(line);
        }
    }

    private void Note(string? line)
    {
        lock (_error)
        {
            if (line is not null && _error.Length < ErrorRoom)
            {
                _error.AppendLine(line);
            }
        }
    }

    private string Said()
    {
        lock (_error)
        {
            return _error.Length == 0 ? "" : ": " + _error.ToString().Trim();
        }
    }
}
