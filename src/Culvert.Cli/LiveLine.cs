using System;
using System.IO;
using System.Text;
using System.Threading;

namespace Culvert.Cli;

/// <summary>The last line of a terminal, written over and over; messages go above it. Does nothing where standard error is no terminal.</summary>
internal sealed class LiveLine : IDisposable
{
    // Back to the line's beginning, and nothing left of what stood there (ECMA-48 EL).
    private const string Clear = "\r\u001b[K";

    private readonly Lock _lock = new();
    private readonly bool _isTerminal = !Console.IsErrorRedirected;
    private string _shown = "";
    private bool _ended;

    /// <summary>Whether there is a terminal to show it on.</summary>
    public bool IsShown => _isTerminal;

    /// <summary>Shows <paramref name="line"/>, cut to the terminal's width.</summary>
    public void Show(string line)
    {
        lock (_lock)
        {
            if (_isTerminal && !_ended)
            {
                int width = Width();
                _shown = line.Length >= width ? line[..(width - 1)] : line;
                Write(Clear + _shown);
            }
        }
    }

    /// <summary>Says something above the line.</summary>
    public void Above(Action say)
    {
        lock (_lock)
        {
            if (_shown.Length > 0)
            {
                Write(Clear);
            }

            say();
            if (_shown.Length > 0)
            {
                Write(_shown);
            }
        }
    }

    /// <summary>Takes the line away.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_shown.Length > 0)
            {
                Write(Clear);
            }

            _shown = "";
            _ended = true;
        }
    }

    private static int Width()
    {
        try
        {
            return Console.WindowWidth is > 10 and int width ? width : 80;
        }
        catch (IOException)
        {
            return 80;
        }
    }

    private static void Write(string text)
    {
        using Stream stream = Console.OpenStandardError();
        stream.Write(Encoding.UTF8.GetBytes(text));
    }
}
