using System;
using System.Text;

namespace Culvert.Cli.Completion;

/// <summary>Completion for fish.</summary>
internal static class FishScript
{
    public static string Write(Outline outline)
    {
        StringBuilder script = new();
        script.AppendLine("# culvert completion for fish: culvert completion fish | source");
        script.AppendLine("complete -c culvert -f");
        foreach (CommandOutline command in outline.Commands)
        {
            script.AppendLine($"complete -c culvert -n __fish_use_subcommand -a {command.Name} -d {Quote(command.Description)}");
            foreach (string word in command.Words)
            {
                script.AppendLine($"complete -c culvert -n '__fish_seen_subcommand_from {command.Name}' -a {word}");
            }

            foreach (OptionOutline option in command.Options)
            {
                script.Append($"complete -c culvert -n '__fish_seen_subcommand_from {command.Name}'");
                foreach (string name in option.Names)
                {
                    script.Append(name.StartsWith("--", StringComparison.Ordinal) ? $" -l {name[2..]}" : $" -s {name[1..]}");
                }

                script.AppendLine($"{(option.TakesValue ? " -r" : "")} -d {Quote(option.Description)}");
            }
        }

        // Behind -- stands a command of its own.
        script.AppendLine("complete -c culvert -n '__fish_seen_subcommand_from run; and contains -- -- (commandline -opc)' -a '(__fish_complete_subcommand --commandline)'");
        return script.ToString();
    }

    private static string Quote(string text) => $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
}
