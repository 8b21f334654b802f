using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Flows;

namespace Culvert.Sessions;

/// <summary>What the other side of a session asks for goes to an exit, which stays its maker's. Belongs to one session.</summary>
/// <param name="exit">Where it leaves.</param>
/// <param name="limits">When relays and associations are given up.</param>
/// <param name="defect">Told of what should never happen.</param>
internal sealed class SessionAnswers(IExit exit, SessionLimits limits, Action<Exception> defect) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private int _echoes;

    /// <summary>A connection is asked for.</summary>
    public void Take(SessionConnection connection) => Run(() => RelayAsync(connection));

    /// <summary>A UDP endpoint is asked for.</summary>
    public void Take(SessionAssociation association) => Run(() => RelayAsync(association));

    /// <summary>The answer to a DNS message is asked for.</summary>
    public void Take(SessionDriver driver, VshpQuestion question, ReadOnlyMemory<byte> message) => Run(async () =>
    {
        try
        {
            ReadOnlyMemory<byte> answer = await exit.ResolveAsync(message, _stop.Token).ConfigureAwait(false);
            driver.Answer(question, answer.Span);
        }
        catch (CulvertException e)
        {
            driver.Refuse(question, e.Kind.ToVshpReason());
        }
    });

    /// <summary>A ping is asked for; of more than <see cref="SessionDriver.MaxEchoes"/> at a time, the rest is refused.</summary>
    public void Take(SessionDriver driver, uint number, Destination destination, ReadOnlyMemory<byte> payload) => Run(async () =>
    {
        try
        {
            if (Interlocked.Increment(ref _echoes) > SessionDriver.MaxEchoes)
            {
                driver.RefuseEcho(number, VshpReason.LimitReached);
                return;
            }

            ReadOnlyMemory<byte> answer = await exit.EchoAsync(destination, payload, _stop.Token).ConfigureAwait(false);
            driver.AnswerEcho(number, answer.Span);
        }
        catch (CulvertException e)
        {
            driver.RefuseEcho(number, e.Kind.ToVshpReason());
        }
        finally
        {
            Interlocked.Decrement(ref _echoes);
        }
    });

    /// <summary>The session is over: what is being asked of the exit is given up. Relays end by their connections.</summary>
    public void Dispose() => _stop.Cancel();

    private async Task RelayAsync(SessionConnection connection)
    {
        IConnection far;
        using (CancellationTokenSource gone = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
        {
            Task<IConnection> connecting = ConnectAsync(connection.Destination, gone.Token);
            if (await Task.WhenAny(connecting, connection.Over).ConfigureAwait(false) != connecting)
            {
                await gone.CancelAsync().ConfigureAwait(false); // the device wants it no more
            }

            try
            {
                far = await connecting.ConfigureAwait(false);
            }
            catch (CulvertException e)
            {
                connection.Refuse(e.Kind.ToVshpReason());
                return;
            }
            catch (OperationCanceledException) when (gone.IsCancellationRequested)
            {
                connection.Refuse(VshpReason.Cancelled);
                return;
            }
        }

        connection.Accept();
        await Relay.RunAsync(connection, far, limits.Relay).ConfigureAwait(false);
    }

    private Task<IConnection> ConnectAsync(VshpDestination wire, CancellationToken cancellation) => SessionDestinations.TryRead(wire, out Destination destination)
        ? exit.ConnectAsync(destination, cancellation).AsTask()
        : exit.ConnectUnixAsync(wire.Text!, cancellation).AsTask();

    private async Task RelayAsync(SessionAssociation association)
    {
        IAssociation far;
        try
        {
            far = await exit.AssociateAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (CulvertException e)
        {
            association.Refuse(e.Kind.ToVshpReason());
            return;
        }

        association.Accept();
        TimeProvider clock = limits.Relay.Clock;
        ITimer idle = clock.CreateTimer(
            _ =>
            {
                if (clock.GetElapsedTime(association.LastActivity) >= limits.AssociationIdle)
                {
                    association.Release(VshpReason.Idle);
                }
            },
            null,
            limits.AssociationIdle,
            limits.AssociationIdle / 4);
        await using (idle.ConfigureAwait(false))
        {
            await DatagramRelay.RunAsync(association, far).ConfigureAwait(false);
        }
    }

    /// <summary>Never on the caller's thread: it holds the session's lock.</summary>
    private void Run(Func<Task> answer) => _ = Task.Run(async () =>
    {
        try
        {
            await answer().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The session is over, and with it whatever asked.
        }
        catch (Exception e)
        {
            defect(e);
        }
    });
}
