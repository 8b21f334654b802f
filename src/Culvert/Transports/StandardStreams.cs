using System;
using System.IO;
using System.IO.Pipelines;
using System.Threading.Tasks;

namespace Culvert.Transports;

/// <summary>This process's own standard input and output as a connection.</summary>
internal static class StandardStreams
{
    private const int Room = 64 << 10;

    /// <summary>
    /// Opens them. A read of standard input cannot be given up once it waits in the system; so it is made aside, and closing the connection ends the wait for it, not the read.
    /// </summary>
    public static StreamConnection Open()
    {
        Stream input = Console.OpenStandardInput();
        Stream output = Console.OpenStandardOutput();
        Pipe pipe = new(new PipeOptions(useSynchronizationContext: false));
        TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = PumpAsync(input, pipe.Writer, closed.Task);
        return new StreamConnection(
            pipe.Reader.AsStream(),
            output,
            "Standard input and output",
            async _ => await output.DisposeAsync().ConfigureAwait(false),
            async _ =>
            {
                closed.TrySetResult();
                await output.DisposeAsync().ConfigureAwait(false);
            });
    }

    private static async Task PumpAsync(Stream input, PipeWriter writer, Task closed)
    {
        byte[] buffer = new byte[Room]; // not the pipe's: a read that was left alone may still write to it
        try
        {
            while (true)
            {
                Task<int> reading = input.ReadAsync(buffer).AsTask();
                if (await Task.WhenAny(reading, closed).ConfigureAwait(false) == closed || await reading.ConfigureAwait(false) is not (> 0 and int count))
                {
                    break;
                }

                await writer.WriteAsync(buffer.AsMemory(0, count)).ConfigureAwait(false);
            }

            await writer.CompleteAsync().ConfigureAwait(false);
        }
        catch (IOException e)
        {
            await writer.CompleteAsync(e).ConfigureAwait(false);
        }
    }
}
