using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Pairing;
using Culvert.Platform.Linux;

namespace Culvert.Cli.Pairing;

/// <summary>
/// Where the owner of a gateway sees its one-time code, and says yes or no to who knows it: the terminal that <c>serve</c> runs in. Enter shows a new code when there is none.
/// </summary>
internal sealed class PairingScreen : IAsyncDisposable
{
    private const string Question = "Is that so, and shall it be paired? [y/N] ";
    private const string Offer = "Press Enter to show a new code";

    private readonly Keyboard _keyboard;
    private readonly LiveLine _line;
    private readonly Action<PairingInvitation> _show;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Timer _timer;
    private Func<PairingInvitation>? _invite;
    private TaskCompletionSource<bool>? _asked;
    private bool _isShown;
    private bool _isDeaf;
    private Task _reading = Task.CompletedTask;

    /// <summary>A screen that asks nothing yet.</summary>
    /// <param name="keyboard">What is typed; its maker's.</param>
    /// <param name="line">The terminal's last line; its maker's.</param>
    /// <param name="show">Shows an invitation.</param>
    public PairingScreen(Keyboard keyboard, LiveLine line, Action<PairingInvitation> show)
    {
        _keyboard = keyboard;
        _line = line;
        _show = show;
        _timer = new Timer(_ => Void(), null, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>Shows a first code, and follows what is typed from then on.</summary>
    public void Start(Func<PairingInvitation> invite)
    {
        _invite = invite;
        Invite();
        _reading = FollowAsync();
    }

    /// <summary>Asks about a device.</summary>
    public async Task<bool> ApproveAsync(PairingRequest request, CancellationToken cancellation)
    {
        TaskCompletionSource<bool> asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_isDeaf)
            {
                return false;
            }

            _keyboard.Discard();
            _asked = asked;
            string from = request.From is { } address ? $" ({address})" : "";
            _line.Above(() => Messages.Error($"'{request.Device}'{from} knows the code. The digits on its screen must be {PairingRequest.Spaced(request.Digits)}"));
            _line.Show(Question);
        }

        try
        {
            return await asked.Task.WaitAsync(cancellation);
        }
        finally
        {
            lock (_lock)
            {
                _asked = null;
                _line.Show("");
            }
        }
    }

    /// <summary>The code that is shown is good no more.</summary>
    public void Void()
    {
        lock (_lock)
        {
            if (_isShown)
            {
                _isShown = false;
                _line.Show(_asked is null ? Offer : Question);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _timer.DisposeAsync();
        _stop.Dispose();
    }

    private void Invite()
    {
        PairingInvitation invitation = _invite!();
        _line.Show("");
        _line.Above(() => _show(invitation));
        _isShown = true;
        TimeSpan left = invitation.Until - DateTimeOffset.UtcNow;
        _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private async Task FollowAsync()
    {
        while (await _keyboard.ReadLineAsync(_stop.Token) is { } typed)
        {
            lock (_lock)
            {
                if (_asked is { } asked)
                {
                    asked.TrySetResult(typed.Trim().ToUpperInvariant() is "Y" or "YES");
                }
                else if (!_isShown)
                {
                    Invite();
                }
            }
        }

        lock (_lock)
        {
            _isDeaf = true; // Ctrl-D, or the terminal is gone: nobody says yes any more
            _asked?.TrySetResult(false);
        }
    }
}
