using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Culvert.Platform.Linux;

/// <summary>
/// Arguments as the bytes they were given as. The runtime turns arguments into text, and a file name that is not UTF-8 does not survive that;
/// a command behind us must get it unharmed.
/// </summary>
internal static class RawArguments
{
    /// <summary>
    /// The bytes of <paramref name="arguments"/>: those this process was started with where its last arguments read like these, else their UTF-8.
    /// </summary>
    public static List<byte[]> Of(IReadOnlyList<string> arguments) => Of(arguments, File.ReadAllBytes("/proc/self/cmdline"));

    /// <summary><see cref="Of(IReadOnlyList{string})"/> with the process's command line (each argument followed by a zero byte) given.</summary>
    internal static List<byte[]> Of(IReadOnlyList<string> arguments, ReadOnlySpan<byte> commandLine)
    {
        List<byte[]> given = [];
        for (int end = commandLine.IndexOf((byte)0); end >= 0; end = commandLine.IndexOf((byte)0))
        {
            given.Add(commandLine[..end].ToArray());
            commandLine = commandLine[(end + 1)..];
        }

        List<byte[]> result = [];
        int skip = given.Count - arguments.Count;
        bool same = skip >= 0;
        for (int i = 0; i < arguments.Count; i++)
        {
            same = same && Encoding.UTF8.GetString(given[skip + i]) == arguments[i];
            result.Add(Encoding.UTF8.GetBytes(arguments[i]));
        }

        return same ? given[skip..] : result;
    }
}
