using System;
using System.Threading;
using System.Threading.Tasks;

namespace Culvert.Flows;

/// <summary>A UDP association at an exit. One receiver at a time; sends may overlap.</summary>
public interface IAssociation : IAsyncDisposable
{
    /// <summary>Sends one datagram. A datagram that cannot go now is dropped, as UDP is; only a refusal for good throws.</summary>
    ValueTask SendAsync(ReadOnlyMemory<byte> payload, Destination destination, CancellationToken cancellation = default);

    /// <summary>
    /// Receives one datagram into <paramref name="buffer"/> (65,535 bytes hold any). Fails with the association as a whole; a datagram
    /// of ours that was refused by its destination shows as <see cref="ReceivedDatagram.Refused"/>. An empty <paramref name="buffer"/> waits until
    /// there is a datagram and takes nothing, so that idle associations hold no memory.
    /// </summary>
    ValueTask<ReceivedDatagram> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation = default);

    /// <summary>Tells whoever is at this association that nobody takes what it sends to <paramref name="destination"/>. Where there is no way to say so, it notices nothing.</summary>
    ValueTask RefuseAsync(Destination destination) => ValueTask.CompletedTask;
}

/// <summary>One datagram that came back.</summary>
/// <param name="Length">Bytes of payload.</param>
/// <param name="From">Who sent it; by address, or by the name it was sent to where the exit knows only that.</param>
/// <param name="Refused">No payload: the host at <paramref name="From"/> answered that nobody listens on that port.</param>
public readonly record struct ReceivedDatagram(int Length, Destination From, bool Refused = false);
