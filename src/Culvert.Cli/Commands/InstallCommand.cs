using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using Culvert.Core;
using Culvert.Platform.Install;

namespace Culvert.Cli.Commands;

/// <summary><c>culvert install [EXIT|PROFILE]</c>: the tunnel as a service of systemd, with the helper behind a socket.</summary>
internal static class InstallCommand
{
    private static readonly Option<bool> Remove = new("--remove") { Description = "Stop the service and take away what install made" };

    private static readonly Option<string> Root = new("--root")
    {
        Description = "Write the files under this directory and start nothing (for packages)",
        HelpName = "DIR",
        DefaultValueFactory = static _ => "/",
    };

    public static Command Declaration { get; } = Declare();

    private static Command Declare()
    {
        Command command = new("install", "Start a tunnel at each boot, and let the group culvert start tunnels without a password")
        {
            TunnelOptions.ExitOrProfile, TunnelOptions.KillSwitch, Remove, Root, CommonOptions.Quiet,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        string exit = parsed.GetValue(TunnelOptions.ExitOrProfile) ?? "direct:";
        if (Secrets.Hide(exit) != exit)
        {
            throw new CulvertException(
                FailureKind.Usage, "Everybody can read the service's files: write the exit with its password into a profile in /etc/culvert/config.toml that only the user culvert may read, and name that.");
        }

        bool remove = parsed.GetValue(Remove);
        string root = parsed.GetValue(Root)!;
        if (!remove && root == "/" && (Installation.Obstacle(typeof(InstallCommand).Assembly.Location) ?? Installation.Obstacle(Environment.ProcessPath!)) is { } obstacle)
        {
            throw new CulvertException(
                FailureKind.Configuration, $"The service runs as the user {ServiceFiles.Group}, who may not read {obstacle}: put Culvert where everybody may, in /opt for example, and install it from there.");
        }

        IReadOnlyDictionary<string, string> files = ServiceFiles.ForThis(Path.Combine(AppContext.BaseDirectory, "Culvert.Cli"), exit, remove || parsed.GetValue(TunnelOptions.KillSwitch));
        Messages messages = CommonOptions.MessagesFor(parsed);
        foreach (string sentence in remove ? Installation.Remove(files.Keys, root) : Installation.Install(files, root))
        {
            messages.Say(sentence);
        }

        return ExitCodes.Ok;
    }
}
