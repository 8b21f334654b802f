using System.Linq;
using System.Text;

namespace Culvert.Cli.Completion;

/// <summary>Completion for bash (the <c>complete</c> builtin; no bash-completion package needed).</summary>
internal static class BashScript
{
    public static string Write(Outline outline)
    {
        StringBuilder script = new();
        script.Append("""
            # culvert completion for bash: source <(culvert completion bash)
            _culvert() {
                local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} i
                COMPREPLY=()
                # Behind -- stands a command of its own.
                for ((i = 2; i < COMP_CWORD; i++)); do
                    if [[ ${COMP_WORDS[i]} == -- ]]; then
                        if ((i + 1 == COMP_CWORD)); then
                            COMPREPLY=($(compgen -c -- "$word"))
                        else
                            COMPREPLY=($(compgen -f -- "$word"))
                        fi
                        return
                    fi
                done
                if ((COMP_CWORD == 1)); then

            """);
        script.AppendLine($"        COMPREPLY=($(compgen -W '{string.Join(' ', outline.Commands.Select(c => c.Name))} {All(outline.GlobalOptions)}' -- \"$word\"))");
        script.AppendLine("        return");
        script.AppendLine("    fi");
        script.AppendLine("    case $command in");
        foreach (CommandOutline command in outline.Commands)
        {
            string dash = command.Name == Commands.RunCommand.Name ? " --" : "";
            script.AppendLine($"        {command.Name}) COMPREPLY=($(compgen -W '{string.Join(' ', command.Words)} {All(command.Options)}{dash}' -- \"$word\")) ;;");
        }

        script.AppendLine("    esac");
        script.AppendLine("}");
        script.AppendLine("complete -F _culvert culvert");
        return script.ToString();
    }

    private static string All(System.Collections.Generic.IEnumerable<OptionOutline> options) => string.Join(' ', options.SelectMany(static o => o.Names));
}
