using System;
using System.Buffers;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Stack;
using Culvert.Flows;

namespace Culvert.Entries.Tun;

/// <summary>The pump for every connection there is: two directions that await each other's ends on the loop's thread.</summary>
internal sealed class StreamPump(TcpFlow flow, IConnection connection) : IFlowPump
{
    private readonly LoopSignal _bytesIn = new();
    private readonly LoopSignal _roomOut = new();
    private bool _isOver;

    /// <inheritdoc/>
    public LoopSignal Over { get; } = new();

    /// <inheritdoc/>
    public bool HasFailed { get; private set; }

    /// <inheritdoc/>
    public bool IsHalfClosed { get; private set; }

    /// <inheritdoc/>
    public long LastActive { get; private set; } = LinkLoop.Now;

    /// <inheritdoc/>
    public async void Start()
    {
        await Task.WhenAll(Guard(UploadAsync()), Guard(DownloadAsync()));
        Over.Set();
    }

    /// <inheritdoc/>
    public void Upload() => _bytesIn.Set();

    /// <inheritdoc/>
    public void Download() => _roomOut.Set();

    /// <inheritdoc/>
    public void Abort()
    {
        if (!_isOver)
        {
            _isOver = true;
            HasFailed = true;
            connection.Abort();
            _bytesIn.Set();
            _roomOut.Set();
        }
    }

    /// <inheritdoc/>
    public void Close() => _ = connection.DisposeAsync().AsTask();

    private async Task UploadAsync()
    {
        while (!_isOver)
        {
            ReadOnlySequence<byte> received = flow.Received;
            if (!received.IsEmpty)
            {
                await connection.WriteAsync(received);
                LastActive = LinkLoop.Now;
                flow.Consume(received.Length, LastActive);
            }
            else if (flow.ReceiveFinished)
            {
                await connection.FinishAsync();
                IsHalfClosed = true;
                return;
            }
            else
            {
                await _bytesIn;
            }
        }
    }

    private async Task DownloadAsync()
    {
        while (!_isOver)
        {
            // Wait before asking for room: an idle flow holds no block.
            await connection.ReadAsync(Memory<byte>.Empty);
            Memory<byte> room = flow.GetMemory();
            while (room.IsEmpty && !_isOver)
            {
                await _roomOut;
                room = flow.GetMemory();
            }

            if (_isOver)
            {
                return;
            }

            int count = await connection.ReadAsync(room);
            LastActive = LinkLoop.Now;
            flow.Advance(count, LastActive);
            if (count == 0)
            {
                flow.Finish(LastActive);
                IsHalfClosed = true;
                return;
            }
        }
    }

    // A direction that fails takes the other with it.
    private async Task Guard(Task direction)
    {
        try
        {
            await direction;
        }
        catch (Exception e) when (e is CulvertException or OperationCanceledException)
        {
            Abort();
        }
        catch
        {
            Abort(); // a defect; the other direction must not wait for it to be told
            throw;
        }
    }
}
