using System;
using System.Collections.Concurrent;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Tunnel;
using Xunit;

namespace Culvert.Tests.Unit.Tunnel;

/// <summary>The shell around the states, with short real times.</summary>
public sealed class SupervisorTests
{
    private static readonly SupervisionOptions Quick = new()
    {
        FirstWait = TimeSpan.FromMilliseconds(20),
        LongestWait = TimeSpan.FromMilliseconds(50),
        CheckInterval = TimeSpan.FromMilliseconds(20),
        CheckLimit = TimeSpan.FromSeconds(5),
        ConnectLimit = TimeSpan.FromMilliseconds(100),
    };

    [Fact]
    public async Task ItFollowsAnExitThatGoesSilentAndComesBack()
    {
        int mood = 0; // 0 answers, 1 refuses, 2 is silent
        BlockingCollection<string> states = [];
        using Supervisor supervisor = new(
            new Patience(Quick, 1),
            async (_, cancellation) =>
            {
                switch (Volatile.Read(ref mood))
                {
                    case 1:
                        throw new CulvertException(FailureKind.ExitUnreachable, "refused");
                    case 2:
                        await Task.Delay(Timeout.Infinite, cancellation);
                        break;
                }

                return null;
            },
            phase => states.Add(phase.GetType().Name));
        Task running = supervisor.RunAsync(TimeSpan.FromMilliseconds(1));
        Seen("Connected");
        Volatile.Write(ref mood, 1);
        Seen("Connecting");
        Seen("Waiting");
        Volatile.Write(ref mood, 2);
        Seen("Connecting");
        Seen("Waiting");
        Volatile.Write(ref mood, 0);
        Seen("Connected");
        supervisor.Tell(new News(NewsKind.Stop));
        await running.WaitAsync(TimeSpan.FromSeconds(20));
        Seen("Stopping");

        void Seen(string state)
        {
            while (states.TryTake(out string? next, TimeSpan.FromSeconds(20)))
            {
                if (next == state)
                {
                    return;
                }
            }

            Assert.Fail($"{state} was not reached");
        }
    }
}
