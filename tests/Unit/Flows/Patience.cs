using System;
using System.Net.Sockets;
using System.Threading.Tasks;

namespace Culvert.Tests.Unit.Flows;

/// <summary>Waits that end: what hangs fails.</summary>
internal static class Patience
{
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    public static Task<int> ReceiveSoonAsync(this Socket socket, Memory<byte> buffer) => socket.ReceiveAsync(buffer).AsTask().WaitAsync(Soon);
}
