using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using Culvert.Core;
using Culvert.Platform.Files;

namespace Culvert.Gateway;

/// <summary>
/// The rules of a gateway in a file, followed while the gateway runs: a file that was changed takes effect as a whole, for what is asked from then on. One that is broken
/// or gone leaves the rules as they were, and that is said.
/// </summary>
internal sealed class RulesFile : IDisposable
{
    /// <summary>Most bytes of a file of rules.</summary>
    public const int MaxSize = 1 << 20;

    private readonly string _path;
    private readonly Action<string> _say;
    private readonly FileWatch _watch;
    private readonly Lock _lock = new();
    private volatile IReadOnlyList<PolicyRule> _rules;

    /// <summary>Reads the file and follows it; <paramref name="say"/> is told of every change, from any thread.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: the file cannot be read, or a rule in it is wrong.</exception>
    public RulesFile(string path, Action<string> say)
    {
        _path = path;
        _say = say;
        _rules = [];
        _watch = new FileWatch(path, Reload);
        try
        {
            lock (_lock)
            {
                _rules = Read(path);
            }
        }
        catch
        {
            _watch.Dispose();
            throw;
        }
    }

    /// <summary>The rules as they are now.</summary>
    public IReadOnlyList<PolicyRule> Rules => _rules;

    /// <inheritdoc/>
    public void Dispose() => _watch.Dispose();

    private static IReadOnlyList<PolicyRule> Read(string path)
    {
        try
        {
            FileInfo file = new(path);
            return file.Exists && file.Length > MaxSize
                ? throw new CulvertException(FailureKind.Configuration, $"{path} is larger than {MaxSize} bytes, which is more than rules need.")
                : RuleReader.ReadFile(path, File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CulvertException(FailureKind.Configuration, $"The rules in {path} cannot be read: {e.Message}", e);
        }
    }

    private void Reload()
    {
        try
        {
            lock (_lock)
            {
                _rules = Read(_path);
            }

            _say($"The rules in {_path} were read again ({_rules.Count} now).");
        }
        catch (CulvertException e)
        {
            _say($"{e.Message}\nThe rules stay as they were before.");
        }
    }
}
