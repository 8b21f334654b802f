using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Culvert.Tests.Lab;

namespace Culvert.Tests.EndToEnd;

/// <summary>A person at a terminal: a shell in tmux (120 columns, 40 lines unless said otherwise), keys typed, the screen read.</summary>
internal sealed class Terminal : IDisposable
{
    private readonly Host _host;
    private readonly string _socket;

    /// <summary>Opens a terminal on the client with a bare bash.</summary>
    internal Terminal(LabNetwork network)
        : this(network, network.Client, 40)
    {
    }

    /// <summary>Opens one on any host.</summary>
    internal Terminal(LabNetwork network, Host host, int lines)
    {
        _host = host;
        _socket = Path.Combine(network.Temporary, $"tmux-{host.Name}");
        Tmux("-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", $"{lines}", "bash", "--norc");
    }

    /// <summary>Arguments quoted for the shell.</summary>
    internal static IEnumerable<string> Quote(IEnumerable<string> arguments) => arguments.Select(argument => "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'");

    /// <summary>Types a line and Enter.</summary>
    internal void Type(string line)
    {
        Tmux("send-keys", "-l", line);
        Tmux("send-keys", "Enter");
    }

    /// <summary>Presses one key (<c>C-c</c>, <c>C-z</c>).</summary>
    internal void Key(string key) => Tmux("send-keys", key);

    /// <summary>What is on the screen, lines that wrapped joined.</summary>
    internal string Screen() => Tmux("capture-pane", "-pJ", "-S", "-200").Output.TrimEnd();

    /// <summary>The same as it looks: only what can be seen now, with its colours (ECMA-48 SGR).</summary>
    internal string Look() => Tmux("capture-pane", "-pe").Output;

    /// <summary>Waits until <paramref name="text"/> stands on the screen; it must not be part of what is typed.</summary>
    internal void WaitFor(string text)
    {
        try
        {
            Until.True(() => Screen().Contains(text, StringComparison.Ordinal), $"'{text}' on the terminal");
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message} It shows:\n{Screen()}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Tmux("kill-server");
        File.Delete(_socket);
    }

    private CommandResult Tmux(params string[] arguments) => _host.Run(["tmux", "-S", _socket, .. arguments], new CommandOptions { Environment = new Dictionary<string, string?> { ["TMUX"] = null, ["TERM"] = "xterm-256color" } }).Ok();
}
