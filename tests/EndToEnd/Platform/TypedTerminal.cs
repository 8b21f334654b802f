using System;
using System.Diagnostics;
using System.Text;
using System.Threading.Tasks;
using Culvert.Tests.Lab;

namespace Culvert.Tests.EndToEnd.Platform;

/// <summary>An interactive shell on a terminal of its own (script(1)), with what is typed and what it shows.</summary>
internal sealed class TypedTerminal : IDisposable
{
    private readonly Process _script;
    private readonly StringBuilder _shown = new();
    private int _seen;

    public TypedTerminal(ProbeFolder folder)
    {
        ProcessStartInfo start = new("script") { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add("-qefc");
        start.ArgumentList.Add("exec env PS1='outer> ' bash --norc --noprofile -i"); // a shell between drops PS1
        start.ArgumentList.Add("/dev/null");
        start.Environment["TERM"] = "dumb";
        start.Environment["probe"] = $"dotnet {folder.Folder}/Culvert.Tests.Probe.dll";
        _script = Process.Start(start)!;
        _ = ReadAsync();
        WaitFor("outer> ");
    }

    /// <summary>Types keys; <c>\u0003</c> is Ctrl-C, <c>\u001a</c> is Ctrl-Z.</summary>
    public void Type(string keys)
    {
        _script.StandardInput.Write(keys);
        _script.StandardInput.Flush();
    }

    /// <summary>Waits for a text to be shown after all that was waited for before; returns everything shown up to it.</summary>
    public string WaitFor(string text)
    {
        try
        {
            int at = -1;
            Until.True(() => (at = Shown().IndexOf(text, _seen, StringComparison.Ordinal)) >= 0, $"'{text}' on the terminal");
            string passed = Shown()[_seen..at];
            _seen = at + text.Length;
            return passed;
        }
        catch (TimeoutException timeout)
        {
            throw new TimeoutException($"{timeout.Message} It shows:\n{Shown()}");
        }
    }

    public void Dispose()
    {
        if (!_script.HasExited)
        {
            _script.Kill(entireProcessTree: true);
            _script.WaitForExit();
        }

        _script.Dispose();
    }

    private string Shown()
    {
        lock (_shown)
        {
            return _shown.ToString();
        }
    }

    private async Task ReadAsync()
    {
        char[] buffer = new char[4096];
        int length;
        while ((length = await _script.StandardOutput.ReadAsync(buffer).ConfigureAwait(false)) > 0)
        {
            lock (_shown)
            {
                _shown.Append(buffer, 0, length);
            }
        }
    }
}
