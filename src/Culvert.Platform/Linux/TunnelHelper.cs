using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Platform.Channel;
using Culvert.Platform.Interop;
using Culvert.Platform.Links;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Linux;

/// <summary>
/// The engine's side of the privileged helper of <c>culvert up</c>: it has the link made, says how the network should be, and has everything given
/// back by <see cref="GiveBackAsync"/>, by <see cref="DisposeAsync"/>, and by dying. One call at a time.
/// </summary>
public sealed class TunnelHelper : IAsyncDisposable
{
    private static readonly TimeSpan InterruptionTime = TimeSpan.FromMilliseconds(250);

    private readonly TunnelHelperOptions _options;
    private readonly HelperChannel _channel;
    private readonly Thread _listener;
    private readonly Channel<HelperMessage> _answers = System.Threading.Channels.Channel.CreateUnbounded<HelperMessage>();
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<SafeFileHandle> _devices = [];
    private IReadOnlyList<string>? _leftovers;
    private SafeFileHandle? _guard;
    private volatile bool _gaveBack;

    private TunnelHelper(TunnelHelperOptions options, HelperChannel channel)
    {
        _options = options;
        _channel = channel;
        _listener = new Thread(Listen) { IsBackground = true, Name = "helper" };
        _listener.Start();
    }

    /// <summary>The link; nothing is routed into it before the first <see cref="SetAsync"/>.</summary>
    public ILink Link { get; private set; } = null!;

    /// <summary>A sentence for each thing that this machine lacks and the tunnel goes without.</summary>
    public IReadOnlyList<string> Notes { get; private set; } = [];

    /// <summary>
    /// Completes when the helper has gone, asked or unasked. Killed, it leaves the network as it was: the link, its routes and the leak guard stay until
    /// <see cref="DisposeAsync"/>, and nothing of it can be changed any more.
    /// </summary>
    public Task Gone => _gone.Task;

    /// <summary>Whether the helper gave the network back before it went, so that nothing is led into the link any more.</summary>
    public bool GaveBack => _gaveBack;

    /// <summary>
    /// Starts the helper in the way this machine offers (directly as root, the installed service, sudo, pkexec) and has the link made. An engine that is root
    /// becomes <see cref="TunnelHelperOptions.EngineAccount"/> before this returns. Nothing stays behind on a failure.
    /// </summary>
    /// <exception cref="CulvertException">
    /// Privilege, Configuration (no nftables, no TUN, the name is taken or already up), or TimedOut; with the fix in the sentence.
    /// </exception>
    public static async Task<TunnelHelper> OpenAsync(TunnelHelperOptions options, CancellationToken cancellation = default)
    {
        (HelperChannel channel, Task<int>? exitCode) = HelperStart.Begin(options);
        TunnelHelper helper = new(options, channel);
        try
        {
            channel.Send(new HelperMessage(HelperMessageKind.Open, options.Link, options.Mtu + ((options.Queues - 1) * HelperMessage.MoreQueues), options.Offloads));
            HelperMessage? answer = await helper.AnswerAsync(options.OpenLimit, cancellation).ConfigureAwait(false);
            if (answer is null)
            {
                if (exitCode is null)
                {
                    throw HelperStart.ExplainService();
                }

                // Ctrl-C at the question for a password reaches sudo as well as us, and which of the two we hear of first is chance.
                int code = await exitCode.WaitAsync(cancellation).ConfigureAwait(false);
                await Task.Delay(InterruptionTime, cancellation).ConfigureAwait(false);
                throw HelperStart.Explain(code);
            }

            if (answer is not { Kind: HelperMessageKind.Ready } ready || helper._devices.Count == 0)
            {
                throw Unexpected(answer.Value);
            }

            string[] lines = ready.Text.Split('\n');
            helper.Link = new TunLink(helper._devices.Dequeue(), lines[0], ready.Number, ready.Flag, helper.TakeDevices());
            helper.Notes = lines[1..];
            options.EngineAccount?.Become();
            return helper;
        }
        catch
        {
            await helper.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Makes the network so, as one change; on a failure it is as it was before the call. Which user the engine is, is filled in here.
    /// </summary>
    /// <returns>A sentence for each thing that this machine lacks and the tunnel goes without.</returns>
    /// <exception cref="CulvertException">ChangeFailed, Configuration, Privilege, LimitReached, TimedOut.</exception>
    public async Task<IReadOnlyList<string>> SetAsync(TunnelState state, CancellationToken cancellation = default)
    {
        if (!_channel.Send(state with { Engine = Libc.geteuid() }))
        {
            throw HasGone();
        }

        HelperMessage answer = await AnswerAsync(_options.SetLimit, cancellation).ConfigureAwait(false) ?? throw HasGone();
        return answer.Kind == HelperMessageKind.Applied ? Lines(answer.Text) : throw Unexpected(answer);
    }

    /// <summary>
    /// Has everything given back, the kill switch included, while the link still carries what is under way; then nothing but <see cref="DisposeAsync"/> is
    /// left to call. Returns a sentence for each thing that could not be given back; usually none.
    /// </summary>
    /// <exception cref="CulvertException">CleanUpIncomplete when the helper went without having said; TimedOut.</exception>
    public async Task<IReadOnlyList<string>> GiveBackAsync(CancellationToken cancellation = default)
    {
        if (_leftovers is null)
        {
            _channel.Send(new HelperMessage(HelperMessageKind.GiveBack));
            HelperMessage? answer;
            do
            {
                answer = await AnswerAsync(_options.SetLimit, cancellation).ConfigureAwait(false);
            }
            while (answer is { Kind: HelperMessageKind.Applied }); // of a change that nobody waited for

            _leftovers = answer switch
            {
                { Kind: HelperMessageKind.Undone } undone => Lines(undone.Text),
                null => throw new CulvertException(FailureKind.CleanUpIncomplete, "The helper ended before it had given everything back: run `culvert cleanup`."),
                _ => throw Unexpected(answer.Value),
            };
        }

        return _leftovers;
    }

    /// <summary>Closes the link and the channel; the helper gives back what is not yet, all but a kill switch. The guard goes last.</summary>
    public async ValueTask DisposeAsync()
    {
        _channel.EndSending();
        await Task.WhenAny(Gone, Task.Delay(_options.SetLimit)).ConfigureAwait(false);
        _channel.EndReceiving(); // wakes the listener also where the helper hangs
        _listener.Join();
        _channel.Dispose();
        TunDevice.Close(TakeDevices());
        Link?.Dispose();
        _guard?.Dispose();
    }

    private SafeFileHandle[] TakeDevices()
    {
        SafeFileHandle[] devices = [.. _devices];
        _devices.Clear();
        return devices;
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static CulvertException HasGone() => new(FailureKind.ChangeFailed, "The helper has gone; `culvert cleanup` undoes what it left.");

    private static CulvertException Unexpected(HelperMessage answer) => answer.Kind switch
    {
        HelperMessageKind.Failed => new((FailureKind)answer.Number, answer.Text),
        HelperMessageKind.Undone => new(FailureKind.ChangeFailed, "The helper was told to end."),
        _ => new(FailureKind.Bug, $"The helper answered {answer.Kind}, which was not asked for."),
    };

    /// <summary>The next answer; null when the helper has gone.</summary>
    private async Task<HelperMessage?> AnswerAsync(TimeSpan limit, CancellationToken cancellation)
    {
        using CancellationTokenSource timed = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timed.CancelAfter(limit);
        try
        {
            return await _answers.Reader.ReadAsync(timed.Token).ConfigureAwait(false);
        }
        catch (ChannelClosedException closed)
        {
            return closed.InnerException is CulvertException failure ? throw failure : null;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new CulvertException(FailureKind.TimedOut, "The helper did not answer in time.");
        }
    }

    private void Listen()
    {
        CulvertException? failure = null;
        try
        {
            while (_channel.Receive(null, out SafeFileHandle? device) is { } message)
            {
                // All of them, before the answer that the engine waits for.
                if (message.Kind == HelperMessageKind.Guard)
                {
                    _guard = device;
                    continue;
                }

                if (device is not null)
                {
                    _devices.Enqueue(device);
                }

                _gaveBack |= message.Kind == HelperMessageKind.Undone;
                if (message.Kind != HelperMessageKind.Queue)
                {
                    _answers.Writer.TryWrite(message);
                }
            }
        }
        catch (CulvertException caught)
        {
            failure = caught;
        }

        _answers.Writer.TryComplete(failure);
        _gone.TrySetResult();
    }
}
