using System;
using System.CommandLine;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Cli.Control;
using Culvert.Core;
using Culvert.Platform.Linux;
using Culvert.Tunnel;

namespace Culvert.Cli.Commands;

/// <summary><c>culvert up [EXIT|PROFILE]</c>: this machine's traffic through an exit until Ctrl-C or <c>culvert down</c>.</summary>
internal static class UpCommand
{
    public const string Name = "up";

    private static readonly Option<bool> Detach = new("--detach", "-d") { Description = "Return when the tunnel is up; it stays until 'culvert down'" };

    public static Command Declaration { get; } = Declare();

    private static Command Declare()
    {
        Command command = new(Name, "Carry all of this machine's traffic; Ctrl-C gives everything back")
        {
            TunnelOptions.ExitOrProfile, CommonOptions.Via, TunnelOptions.Dns, TunnelOptions.Exclude, TunnelOptions.Include, TunnelOptions.NoLan,
            TunnelOptions.IPv6, TunnelOptions.KillSwitch, TunnelOptions.Captive, TunnelOptions.User, TunnelOptions.Group, TunnelOptions.Mtu,
            TunnelOptions.Name, Detach, CommonOptions.Verbose, CommonOptions.Quiet,
        };
        command.SetAction(static (parsed, _) => RunAsync(parsed));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed)
    {
        TunnelSettings settings = TunnelOptions.Read(parsed);
        bool inBackground = DetachedProcess.IsThis;
        if (parsed.GetValue(Detach) && !inBackground)
        {
            return await DetachedProcess.StartAsync();
        }

        Messages messages = CommonOptions.MessagesFor(parsed);
        using Interruption interruption = new();
        using LiveLine live = new();
        void Say(string sentence) => live.Above(() => messages.Say(sentence));

        // Before the helper has us give up root: the name belongs to whoever asked.
        await using ControlServer control = ControlServer.Claim(settings.Link, Account.Asking);
        OwnAssemblies.LoadAll();
        MachineTunnel tunnel;
        try
        {
            tunnel = await MachineTunnel.StartAsync(settings, new TunnelHelperOptions(), Say, interruption.Token);
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            return interruption.ExitCode;
        }

        string trouble = "";
        await using (tunnel)
        {
            control.Serve(tunnel);
            TunnelStatus status = tunnel.Status;
            Say($"{settings.Link} is up, through {status.Exit}; names: {status.Names}; {(inBackground ? "'culvert down'" : "Ctrl-C")} gives everything back");
            if (inBackground)
            {
                DetachedProcess.TellReady();
            }

            using CancellationTokenSource ending = new();
            Task showing = live.IsShown && !inBackground ? ShowAsync(control, tunnel, live, ending.Token) : Task.CompletedTask;
            await Task.WhenAny(interruption.Task, control.DownAsked, tunnel.Completion);
            await ending.CancelAsync();
            await showing;
            live.Dispose();
            try
            {
                if (tunnel.Completion.IsFaulted)
                {
                    await tunnel.Completion; // the link is gone: why
                }

                await tunnel.StopAsync();
            }
            catch (CulvertException e)
            {
                trouble = e.Message;
                throw;
            }
            finally
            {
                // Only when nothing of ours is in the way any more is it over for whoever waits for it.
                await tunnel.DisposeAsync();
                control.TellEnd(trouble);
            }
        }

        return interruption.ExitCode;
    }

    private static async Task ShowAsync(ControlServer control, MachineTunnel tunnel, LiveLine live, CancellationToken cancellation)
    {
        using SemaphoreSlim changed = new(0, 1);
        void Changed()
        {
            if (changed.CurrentCount == 0)
            {
                changed.Release();
            }
        }

        tunnel.Changed += Changed;
        try
        {
            while (true)
            {
                if (StatusText.TryToLine(control.Report(), out string line))
                {
                    live.Show(line);
                }

                await changed.WaitAsync(TimeSpan.FromSeconds(1), cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
        finally
        {
            tunnel.Changed -= Changed;
        }
    }
}
