using System;
using System.Text;

namespace Culvert.Cli.Completion;

/// <summary>Completion for zsh (compsys).</summary>
internal static class ZshScript
{
    public static string Write(Outline outline)
    {
        StringBuilder script = new();
        script.Append("""
            #compdef culvert
            # culvert completion for zsh: source <(culvert completion zsh)
            _culvert() {
                local -i mark=${words[(i)--]}
                if (( mark < CURRENT )); then
                    words=("${(@)words[mark+1,-1]}")
                    (( CURRENT -= mark ))
                    _normal
                    return
                fi
                if (( CURRENT == 2 )); then
                    local -a commands=(

            """);
        foreach (CommandOutline command in outline.Commands)
        {
            script.AppendLine($"            {Quote($"{command.Name}:{command.Description}")}");
        }

        script.Append("""
                    )
                    _describe command commands
                    return
                fi
                case $words[2] in

            """);
        foreach (CommandOutline command in outline.Commands)
        {
            script.Append($"        {command.Name}) _arguments -s");
            foreach (OptionOutline option in command.Options)
            {
                foreach (string name in option.Names)
                {
                    script.Append($" {Quote($"{name}[{Escape(option.Description)}]{(option.TakesValue ? ":value:" : "")}")}");
                }
            }

            script.AppendLine($" {Quote($"*:argument:({string.Join(' ', command.Words)})")} ;;");
        }

        script.AppendLine("    esac");
        script.AppendLine("}");
        script.AppendLine("compdef _culvert culvert");
        return script.ToString();
    }

    private static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string Escape(string text) =>
        text.Replace("[", "\\[", StringComparison.Ordinal).Replace("]", "\\]", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal);
}
