using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Entries;

/// <summary>Closing after an answer so that the client gets to read it: a reset, which unread bytes cause, could overtake it.</summary>
internal static class Farewell
{
    /// <summary>How long a client's last bytes are waited for.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Most of a client's last bytes passed over.</summary>
    public const int MaxPassedOver = 256 * 1024;

    /// <summary>Finishes sending and reads what the client still sends, for a while.</summary>
    public static async Task CloseAsync(IConnection connection, CancellationToken cancellation)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            await connection.FinishAsync(limit.Token).ConfigureAwait(false);
            byte[] nothing = new byte[4096];
            int total = 0;
            for (int count; total < MaxPassedOver && (count = await connection.ReadAsync(nothing, limit.Token).ConfigureAwait(false)) > 0;)
            {
                total += count;
            }
        }
        catch (Exception e) when (e is CulvertException or OperationCanceledException)
        {
            // It has had its time.
        }
    }
}
