using System;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;

namespace Culvert.Sessions;

/// <summary>What the session says has happened, and whom it concerns. All under the lock; whoever waits goes on elsewhere.</summary>
internal sealed partial class SessionDriver
{
    private void Handle(in SessionEvent happened)
    {
        switch (happened.Kind)
        {
            case SessionEventKind.Ready:
                _ready.TrySetResult();
                break;
            case SessionEventKind.Asked:
                OnAsked(happened.Subject!);
                break;
            case SessionEventKind.Opened or SessionEventKind.Readable or SessionEventKind.Writable or SessionEventKind.Closed:
                OnFlow(happened);
                break;
            case SessionEventKind.Datagram when happened.Subject!.Tag is SessionAssociation association:
                association.Deliver(happened.Destination, happened.Buffer);
                break;
            case SessionEventKind.Echo when Answers is { } answers && SessionDestinations.TryRead(happened.Destination, out Flows.Destination destination):
                byte[] payload = happened.Buffer!.Span.ToArray();
                happened.Buffer.Release();
                answers.Take(this, happened.Number, destination, payload);
                break;
            case SessionEventKind.Echo:
                happened.Buffer?.Release();
                _session.RefuseEcho(happened.Number, VshpReason.NotCarried);
                break;
            case SessionEventKind.Echoed:
                OnEchoed(happened);
                break;
            case SessionEventKind.Pong:
                _sign?.TrySetResult(TimeSpan.FromMicroseconds(happened.Number));
                _sign = null;
                break;
            case SessionEventKind.GoAway:
                _left = true;
                break;
            case SessionEventKind.TransportSilent:
                Drop();
                break;
            case SessionEventKind.Ended:
                OnEnded();
                break;
            default:
                happened.Buffer?.Release(); // packets and control messages, which nobody here has asked for
                break;
        }
    }

    private void OnAsked(Numbered asked)
    {
        switch (asked)
        {
            case VshpStream stream when Answers is { } answers:
                answers.Take(new SessionConnection(this, stream, "The device's connection"));
                break;
            case VshpAssociation association when Answers is { } answers:
                answers.Take(new SessionAssociation(this, association));
                break;
            case VshpQuestion question when Answers is { } answers:
                answers.Take(this, question, question.Message.ToArray());
                break;
            case VshpFlow flow:
                flow.Refuse(VshpReason.NotCarried);
                break;
            default:
                ((VshpQuestion)asked).Refuse(VshpReason.NotCarried);
                break;
        }
    }

    private static void OnFlow(in SessionEvent happened)
    {
        switch (happened.Subject!.Tag)
        {
            case SessionFlow flow:
                flow.Happened(happened.Kind);
                break;
            case TaskCompletionSource<ReadOnlyMemory<byte>> answer when happened.Question is { } question:
                if (question.CloseReason == VshpReason.None)
                {
                    answer.TrySetResult(question.Message.ToArray());
                }
                else
                {
                    answer.TrySetException(SessionFailures.Of(question.CloseReason, "The question to the gateway"));
                }

                break;
        }
    }

    private void OnEchoed(in SessionEvent happened)
    {
        if (_echoes.Remove(happened.Number, out TaskCompletionSource<ReadOnlyMemory<byte>>? waiter))
        {
            if (happened.Buffer is { } buffer)
            {
                waiter.TrySetResult(buffer.Span.ToArray());
            }
            else
            {
                waiter.TrySetException(SessionFailures.Of(happened.Reason, "The ping"));
            }
        }

        happened.Buffer?.Release();
    }

    private void OnEnded()
    {
        CulvertException failure = _failure ??= SessionFailures.OfSession(_session);
        foreach (TaskCompletionSource<ReadOnlyMemory<byte>> echo in _echoes.Values)
        {
            echo.TrySetException(failure);
        }

        _echoes.Clear();
        _sign?.TrySetException(failure);
        if (_ready.TrySetException(failure))
        {
            _ = _ready.Task.Exception; // seen: whoever waits is told, and nobody need wait
        }

        if (_sign is { } sign)
        {
            _ = sign.Task.Exception;
        }

        _over.TrySetResult();
    }
}
