using System;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Pairing;
using Culvert.Platform.Linux;
using Culvert.Serving;

namespace Culvert.Cli.Pairing;

/// <summary>Where a gateway shows its one-time code, and who says yes: a person at its terminal; with <c>--auto-approve</c> nobody; and without either it pairs nobody.</summary>
internal sealed class PairingPlace : IAsyncDisposable
{
    private readonly Keyboard? _keyboard;
    private readonly PairingScreen? _screen;
    private readonly bool _isOpen;
    private readonly string? _file;

    private PairingPlace(ServeSettings settings, LiveLine line, bool autoApprove, bool quiet, string? file)
    {
        _file = file;
        Settings = settings;
        bool isReachable = settings.Listen.Any(static address => address.Kind == ListenKind.Tls);
        bool isTerminal = !quiet && !Console.IsErrorRedirected && !settings.Listen.Any(static address => address.Kind == ListenKind.Stdio);
        if (!isReachable)
        {
            return;
        }

        if (autoApprove)
        {
            _isOpen = true;
            Settings = settings with { Approve = static (_, _) => Task.FromResult(true) };
        }
        else if (isTerminal && (_keyboard = Keyboard.Open()) is { } keyboard)
        {
            _isOpen = true;
            _screen = new PairingScreen(keyboard, line, Show);
            Settings = settings with { Approve = _screen.ApproveAsync, CodeVoid = _screen.Void };
        }
    }

    /// <summary>The gateway's settings, with what they say of pairing.</summary>
    public ServeSettings Settings { get; }

    /// <summary>The place for a gateway with these settings.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Usage"/>: the file is to be neither PNG nor SVG.</exception>
    public static PairingPlace Choose(ServeSettings settings, LiveLine line, bool autoApprove, bool quiet, string? file) => file is null || QrImage.IsFile(file)
        ? new PairingPlace(settings, line, autoApprove, quiet, file)
        : throw new CulvertException(FailureKind.Usage, $"--qr takes a file that ends in .png or .svg; '{file}' does not.");

    /// <summary>Shows the first code.</summary>
    public void Start(GatewayServer server)
    {
        if (_screen is not null)
        {
            _screen.Start(server.Invite);
        }
        else if (_isOpen)
        {
            Show(server.Invite());
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_screen is not null)
        {
            await _screen.DisposeAsync();
        }

        _keyboard?.Dispose();
    }

    private void Show(PairingInvitation invitation)
    {
        if (_file is not null && invitation.Uri?.ToString() is { } uri)
        {
            using QrImage qr = new(uri);
            qr.Save(_file);
        }

        (int columns, int lines) = InvitationText.TerminalSize();
        using Stream stream = Console.OpenStandardError();
        stream.Write(Encoding.UTF8.GetBytes(InvitationText.Write(invitation, Settings.Name, columns, lines, isAsked: _screen is not null)));
    }
}
