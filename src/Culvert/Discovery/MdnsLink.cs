using System;
using System.Buffers;
using System.Collections.Generic;
using System.Diagnostics;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Mdns;

namespace Culvert.Discovery;

/// <summary>Carries what one party says and hears on one interface, by IPv4 and IPv6 as far as there is either, and wakes it in time.</summary>
internal sealed class MdnsLink : IAsyncDisposable
{
    private readonly IMdnsParty _party;
    private readonly List<MdnsSocket> _sockets = [];
    private readonly List<Task> _loops = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly Timer _timer;
    private bool _stopped;

    /// <summary>Joins the groups and begins. For a link without a way to either group, see <see cref="IsAlive"/>.</summary>
    public MdnsLink(string interfaceName, int index, bool hasV4, bool hasV6, IMdnsParty party, Action<string> say)
    {
        _party = party;
        foreach ((bool isV6, bool has) in new[] { (false, hasV4), (true, hasV6) })
        {
            if (has)
            {
                try
                {
                    _sockets.Add(MdnsSocket.Join(interfaceName, index, isV6));
                }
                catch (CulvertException e)
                {
                    say(e.Message);
                }
            }
        }

        _timer = new Timer(static link => ((MdnsLink)link!).Turn(static _ => { }, null, null), this, Timeout.Infinite, Timeout.Infinite);
        foreach (MdnsSocket socket in _sockets)
        {
            _loops.Add(ReceiveAsync(socket));
        }

        Turn(party => party.Start(Now), null, null);
    }

    /// <summary>Whether there is a way to a group.</summary>
    public bool IsAlive => _sockets.Count > 0;

    private static long Now => (long)Stopwatch.GetElapsedTime(0).TotalMilliseconds;

    /// <summary>Does something with the party, whom nobody else speaks to meanwhile.</summary>
    public void With(Action<IMdnsParty, long> act) => Turn(party => act(party, Now), null, null);

    /// <summary>Has the party say good-bye, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        Turn(static party => party.Stop(), null, null);
        lock (_lock)
        {
            _stopped = true;
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_loops).ConfigureAwait(false);
        _sockets.ForEach(static s => s.Dispose());
        _stop.Dispose();
    }

    private async Task ReceiveAsync(MdnsSocket socket)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(MdnsMessage.MaxSize);
        try
        {
            while (true)
            {
                (int length, IPEndPoint from) = await socket.ReceiveAsync(buffer, _stop.Token).ConfigureAwait(false);
                if (MdnsMessage.TryParse(buffer.AsSpan(0, length), out MdnsMessage message))
                {
                    Turn(party => party.Receive(message, from.Port != MdnsSocket.Port, Now), socket, from);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or CulvertException)
        {
            // The end; or the interface is gone, which whoever made the link is told of in another way.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // One turn: something happens, what is due is done, what is to be said is said, and the alarm set.
    private void Turn(Action<IMdnsParty> act, MdnsSocket? by, IPEndPoint? asker)
    {
        lock (_lock)
        {
            if (_stopped)
            {
                return;
            }

            act(_party);
            while (_party.Deadline <= Now)
            {
                _party.Advance(Now);
                Say(null, null);
            }

            Say(by, asker);
            long wait = _party.Deadline == long.MaxValue ? Timeout.Infinite : Math.Clamp(_party.Deadline - Now, 1, int.MaxValue);
            _timer.Change(wait, Timeout.Infinite);
        }
    }

    private void Say(MdnsSocket? by, IPEndPoint? asker)
    {
        while (_party.TryTake(out MdnsOutgoing outgoing))
        {
            if (outgoing.ToAsker)
            {
                by?.Send(outgoing, asker);
            }
            else
            {
                _sockets.ForEach(s => s.Send(outgoing, null));
            }
        }
    }
}
