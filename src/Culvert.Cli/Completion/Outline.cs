using System.Collections.Generic;
using System.CommandLine;
using System.Linq;

namespace Culvert.Cli.Completion;

/// <summary>What the shells need to know of the command line: its commands, and the options of each.</summary>
internal sealed record Outline(IReadOnlyList<CommandOutline> Commands, IReadOnlyList<OptionOutline> GlobalOptions)
{
    public static Outline Of(Command root) => new(
        [.. root.Subcommands.Where(static c => !c.Hidden).Select(static c => new CommandOutline(c.Name, c.Description ?? "", Options(c), Words(c)))],
        Options(root));

    private static OptionOutline[] Options(Command command) =>
        [.. command.Options.Concat(IsRoot(command) ? [] : command.Subcommands.SelectMany(static c => c.Options)).Distinct().Where(static o => !o.Hidden).Select(static o => new OptionOutline(
            [o.Name, .. o.Aliases.Where(static a => a.StartsWith('-') && !a.StartsWith("-?", System.StringComparison.Ordinal))], o.Description ?? "", o.Arity.MaximumNumberOfValues > 0 && o.ValueType != typeof(bool)))];

    private static bool IsRoot(Command command) => !command.Parents.Any();

    private static string[] Words(Command command) =>
        [.. command.Subcommands.Select(static c => c.Name), .. command.Arguments.SelectMany(static a => a.GetCompletions(System.CommandLine.Completions.CompletionContext.Empty)).Select(static c => c.Label)];
}

/// <summary>One command: its options, and the words its argument may be.</summary>
internal sealed record CommandOutline(string Name, string Description, IReadOnlyList<OptionOutline> Options, IReadOnlyList<string> Words);

/// <summary>One option under all its names.</summary>
internal sealed record OptionOutline(IReadOnlyList<string> Names, string Description, bool TakesValue);
