using Culvert.Core;

namespace Culvert.Cli;

/// <summary>The exit codes that scripts may rely on.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;
    public const int Bug = 1;
    public const int Usage = 2;
    public const int Configuration = 3;
    public const int Authentication = 4;
    public const int Untrusted = 5;
    public const int ExitUnreachable = 6;
    public const int Privilege = 7;
    public const int ChangeFailed = 8;
    public const int CleanUpIncomplete = 9;
    public const int Interrupted = 130;

    public const int CommandNotExecutable = 126;
    public const int CommandNotFound = 127;

    /// <summary><c>run</c> itself failed, as opposed to its command (the convention of env, timeout and others).</summary>
    public const int RunFailed = 125;

    /// <summary>The code of a failed <c>run</c>: its own failures must not look like the command's.</summary>
    public static int ForRun(FailureKind kind) => kind is FailureKind.CommandNotExecutable or FailureKind.CommandNotFound ? For(kind) : RunFailed;

    public static int For(FailureKind kind) => kind switch
    {
        FailureKind.Bug => Bug,
        FailureKind.Usage => Usage,
        FailureKind.Configuration or FailureKind.LimitReached or FailureKind.NotCarried => Configuration,
        FailureKind.Authentication => Authentication,
        FailureKind.Untrusted => Untrusted,
        FailureKind.Privilege => Privilege,
        FailureKind.ChangeFailed => ChangeFailed,
        FailureKind.CleanUpIncomplete => CleanUpIncomplete,
        FailureKind.CommandNotExecutable => CommandNotExecutable,
        FailureKind.CommandNotFound => CommandNotFound,
        _ => ExitUnreachable,
    };
}
