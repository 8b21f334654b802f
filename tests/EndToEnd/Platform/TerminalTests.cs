using System;
using Xunit;

namespace Culvert.Tests.EndToEnd.Platform;

/// <summary>
/// A confined command at a terminal: keys, job control inside and outside, and the terminal afterwards. Marks are computed by the shell
/// ($((…))), so that the echo of what is typed is not taken for them.
/// </summary>
[Collection(PlatformCollection.Name)]
public sealed class TerminalTests(ProbeFolder probe) : IDisposable
{
    private const string Interrupt = "\u0003";
    private const string Suspend = "\u001a";
    private readonly TypedTerminal _terminal = new(probe);

    public void Dispose() => _terminal.Dispose();

    [LabFact("script")]
    public void ShellInsideHasJobControl()
    {
        EnterShell();
        _terminal.Type("sh -c 'echo run$((1)); exec sleep 100'\n");
        _terminal.WaitFor("run1");
        _terminal.Type(Suspend);
        _terminal.WaitFor("Stopped");
        _terminal.WaitFor("inner> ");
        _terminal.Type("fg\n");
        _terminal.WaitFor("exec sleep 100");
        _terminal.Type(Interrupt);
        _terminal.WaitFor("inner> ");
        _terminal.Type("echo code=$?; exit 5\n");
        _terminal.WaitFor("code=130");
        _terminal.WaitFor("outer> ");
        _terminal.Type("echo code=$?\n");
        _terminal.WaitFor("code=5");
    }

    [LabFact("script")]
    public void ShellInsideCanSuspendItselfAndComeBack()
    {
        EnterShell();
        _terminal.Type("suspend\n");
        _terminal.WaitFor("Stopped");
        _terminal.WaitFor("outer> ");
        _terminal.Type("echo outside$((1))\n");
        _terminal.WaitFor("outside1");
        _terminal.Type("fg\n");
        _terminal.WaitFor("inner> ");
        _terminal.Type("echo inside$((1)); exit 6\n");
        _terminal.WaitFor("inside1");
        _terminal.WaitFor("outer> ");
        _terminal.Type("echo code=$?\n");
        _terminal.WaitFor("code=6");
    }

    [LabFact("script")]
    public void CommandIsAJobOfTheShellOutside()
    {
        _terminal.Type("$probe sh -c 'echo run$((1)); exec sleep 100'\n");
        _terminal.WaitFor("run1");
        _terminal.Type(Suspend);
        _terminal.WaitFor("Stopped");
        _terminal.WaitFor("outer> ");
        _terminal.Type("fg\n");
        _terminal.WaitFor("exec sleep 100");
        _terminal.Type(Interrupt);
        _terminal.WaitFor("outer> ");
        _terminal.Type("echo code=$?\n");
        _terminal.WaitFor("code=130");
    }

    [LabFact("script")]
    public void KeyReachesTheCommandOnce()
    {
        _terminal.Type("$probe bash -c 'trap \"echo int$((1))\" INT; echo run$((1)); while read line; do echo got-$line; test $line = end && exit 3; done'\n");
        _terminal.WaitFor("run1");
        _terminal.Type(Interrupt);
        _terminal.WaitFor("int1");
        _terminal.Type("end\n");
        Assert.DoesNotContain("int1", _terminal.WaitFor("got-end"), StringComparison.Ordinal);
        _terminal.WaitFor("outer> ");
    }

    [LabFact("script")]
    public void TerminalIsAsItWasAfterACommandThatWasKilled()
    {
        _terminal.Type("stty -a > /tmp/$$.before; $probe sh -c 'stty raw -echo; kill -9 $$'; echo code=$?; stty -a | cmp - /tmp/$$.before && echo same$((1)); rm /tmp/$$.before\n");
        _terminal.WaitFor("code=137");
        _terminal.WaitFor("same1");
    }

    [LabFact("script")]
    public void TerminalComesBackFromAShellThatWasKilled()
    {
        EnterShell();
        _terminal.Type("kill -9 $$\n");
        _terminal.WaitFor("outer> ");
        _terminal.Type("echo code=$?\n");
        _terminal.WaitFor("code=137");
    }

    [LabFact("script")]
    public void TerminalComesBackToACallerThatHasNoJobControl()
    {
        _terminal.Type("sh -c '$probe env PS1=\"inner> \" bash --norc --noprofile -i; read line; echo got-$line$((1))'\n");
        _terminal.WaitFor("\ninner> ");
        _terminal.Type("kill -9 $$\n");
        _terminal.WaitFor("\n");
        _terminal.Type("typed\n"); // read by the caller, in the group that the terminal must have come back to
        _terminal.WaitFor("got-typed1");
    }

    [LabFact("script", "python3")]
    public void CommandInAGroupOfItsOwnGetsTheTerminalBackWhenContinued()
    {
        // As a shell does at its start, but without a shell's care for the terminal when it is continued.
        const string program = "import os,signal; signal.signal(signal.SIGTTOU,signal.SIG_IGN); os.setpgid(0,0); os.tcsetpgrp(0,os.getpgrp()); "
            + "os.kill(0,signal.SIGSTOP); print(\"go%d\"%1,flush=True); print(\"got-%s\"%input())";
        _terminal.Type($"$probe /usr/bin/python3 -c '{program}'\n");
        _terminal.WaitFor("Stopped");
        _terminal.WaitFor("outer> ");
        _terminal.Type("fg\n");
        _terminal.WaitFor("go1");
        _terminal.Type("typed\n");
        _terminal.WaitFor("got-typed");
        _terminal.WaitFor("outer> ");
    }

    [LabFact("script")]
    public void EngineThatIsContinuedLeavesTheTerminalAsTheCommandSetIt()
    {
        // The framework would set the terminal to what it was when it last looked, on a thread of its own: before the command that was continued with it, or after.
        // The second signal, which the engine hands on, comes when the first has been dealt with.
        _terminal.Type("$probe sh -c 'trap \"stty -a; exit\" USR1; stty -echo; kill -CONT $PPID; kill -USR1 $PPID; while :; do sleep 0.1; done'\n");
        Assert.Contains("icanon iexten -echo ", _terminal.WaitFor("outer> "), StringComparison.Ordinal);
    }

    [LabFact("script")]
    public void CommandInTheBackgroundLeavesTheTerminalAlone()
    {
        _terminal.Type("$probe sh -c 'exit 4' & job=$!; echo cat$((1)); cat; wait $job; echo code=$?\n");
        _terminal.WaitFor("cat1");
        _terminal.Type("typed\n");
        _terminal.WaitFor("typed\r\ntyped"); // the echo, and cat's answer
        _terminal.Type("\u0004");
        _terminal.WaitFor("code=4");
    }

    private void EnterShell()
    {
        _terminal.Type("$probe env PS1='inner> ' bash --norc --noprofile -i\n");
        _terminal.WaitFor("\ninner> ");
    }
}
