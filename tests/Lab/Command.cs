using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading.Tasks;
using Culvert.Tests.Lab.Interop;

namespace Culvert.Tests.Lab;

/// <summary>A running command. Its output is collected all the while, so that it never blocks on a full pipe.</summary>
public sealed class Command : IDisposable
{
    private readonly Process _process;
    private readonly CommandOptions _options;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly StringBuilder _error = new();
    private readonly MemoryStream _output = new();
    private readonly Task _outputDone;
    private readonly Task _errorDone;
    private readonly string _line;
    private bool _disposed;

    internal Command(IReadOnlyList<string> command, LabNetwork network, CommandOptions options)
    {
        _options = options;
        _line = string.Join(' ', command);
        ProcessStartInfo start = new(command[0])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = options.Directory ?? network.Work,
        };
        for (int index = 1; index < command.Count; index++)
        {
            start.ArgumentList.Add(command[index]);
        }

        start.Environment["CULVERT_LAB"] = network.Owner;
        start.Environment["TMPDIR"] = network.CommandTemporary;
        foreach ((string name, string? value) in options.Environment)
        {
            start.Environment[name] = value;
        }

        _process = Process.Start(start) ?? throw new InvalidOperationException($"{command[0]} did not start.");
        _outputDone = CollectAsync(_process.StandardOutput.BaseStream, bytes => _output.Write(bytes));
        _errorDone = CollectAsync(_process.StandardError.BaseStream, bytes => _error.Append(Encoding.UTF8.GetString(bytes)));
        if (options.Input is { } input)
        {
            _ = FeedAsync(input);
        }
        else if (!options.OpenInput)
        {
            _process.StandardInput.Close();
        }
    }

    /// <summary>The process's id; the command itself, since <c>ip netns exec</c> becomes it.</summary>
    public int Id => _process.Id;

    /// <summary>What it has written to its standard output so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return Encoding.UTF8.GetString(_output.ToArray());
            }
        }
    }

    /// <summary>What it has written to its standard error so far.</summary>
    public string Error
    {
        get
        {
            lock (_output)
            {
                return _error.ToString();
            }
        }
    }

    /// <summary>Writes to its standard input (<see cref="CommandOptions.OpenInput"/>).</summary>
    public void Write(string text)
    {
        _process.StandardInput.Write(text);
        _process.StandardInput.Flush();
    }

    /// <summary>Ends its standard input.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>Sends a signal to the command alone.</summary>
    public void Signal(int signal) => Native.Signal(Id, signal);

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Throws with all the command said when it is no longer running.</summary>
    public void ThrowIfEnded()
    {
        if (HasEnded)
        {
            throw new InvalidOperationException("A command that should go on has ended: " + Wait());
        }
    }

    /// <summary>Waits until its standard error or output contains <paramref name="text"/>.</summary>
    public void WaitFor(string text) => Until.True(
        () =>
        {
            bool found = Error.Contains(text, StringComparison.Ordinal) || Output.Contains(text, StringComparison.Ordinal);
            if (!found && _process.HasExited)
            {
                CommandResult result = Wait();
                found = (result.Error + result.Output).Contains(text, StringComparison.Ordinal);
                if (!found)
                {
                    throw new InvalidOperationException($"'{text}' was expected of a command that has ended: {result}");
                }
            }

            return found;
        },
        $"'{text}' from `{_line}`, which said so far: {Error} {Output}");

    /// <summary>Waits for the end; past the time-out the command is killed and a <see cref="TimeoutException"/> tells what it had said.</summary>
    public CommandResult Wait()
    {
        bool ended = _process.WaitForExit(_options.TimeOut);
        if (!ended)
        {
            _process.Kill(entireProcessTree: true);
        }

        // A background child may hold the pipes open: what the command itself said is there by then.
        Task.WaitAll([_outputDone, _errorDone], ended ? 3000 : 500);
        CommandResult result;
        lock (_output)
        {
            result = new CommandResult(_line, ended ? _process.ExitCode : -1, _output.ToArray(), _error.ToString(), _clock.Elapsed);
        }

        return ended ? result : throw new TimeoutException("Killed after its time-out: " + result);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private async Task CollectAsync(Stream stream, Action<byte[]> add)
    {
        byte[] buffer = new byte[65536];
        int count;
        while ((count = await stream.ReadAsync(buffer).ConfigureAwait(false)) > 0)
        {
            lock (_output)
            {
                add(buffer[..count]);
            }
        }
    }

    private async Task FeedAsync(byte[] input)
    {
        try
        {
            await _process.StandardInput.BaseStream.WriteAsync(input).ConfigureAwait(false);
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The command ended without reading all of its input; its exit code tells the test.
        }
    }
}
