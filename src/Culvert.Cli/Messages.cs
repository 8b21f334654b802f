using System;
using System.IO;
using System.Text;

namespace Culvert.Cli;

/// <summary>What is said to the person at the terminal: on standard error, one line each, our name in front.</summary>
/// <param name="level">How much to say.</param>
internal sealed class Messages(Verbosity level)
{
    /// <summary>Something went wrong; always said.</summary>
    public static void Error(string sentence)
    {
        // Not Console.Error: one write a line, and nothing of the terminal touched, which belongs to the command of run.
        using Stream stream = Console.OpenStandardError();
        stream.Write(Encoding.UTF8.GetBytes($"culvert: {sentence}\n"));
    }

    /// <summary>Something is worth knowing, also by whoever reads a log.</summary>
    public void Say(string sentence)
    {
        if (level > Verbosity.Quiet)
        {
            Error(sentence);
        }
    }

    /// <summary>What is being done: to a person at a terminal, or to whoever asked for it.</summary>
    public void Note(string sentence)
    {
        if (level == Verbosity.Verbose || (level == Verbosity.Normal && !Console.IsErrorRedirected))
        {
            Error(sentence);
        }
    }
}

/// <summary>How much is said.</summary>
internal enum Verbosity
{
    Quiet,
    Normal,
    Verbose,
}
