using System;
using System.Globalization;
using System.IO;
using System.Linq;
using Culvert.Tests.Lab;
using Xunit;

namespace Culvert.Tests.EndToEnd.Run;

/// <summary>What many flows, and flows that stand still, leave behind or cost the others.</summary>
public sealed class EnduranceTests(LabFixture fixture) : RunTest(fixture)
{
    private const long Megabyte = 1_000_000;

    /// <summary>What a collector that has not run yet may hold.</summary>
    private const long Slack = 40 * Megabyte;

    private static readonly CommandOptions Talking = new() { OpenInput = true, TimeOut = TimeSpan.FromSeconds(120) };

    /// <summary>
    /// Rounds of connections to the echo service from eight threads: a quarter are closed, a quarter half-closed first, a quarter reset, a quarter asked for where nobody listens.
    /// After each round the script waits for a line.
    /// </summary>
    private const string Churn = """
        import socket, struct, sys, threading
        def one(i):
            s = socket.socket()
            s.settimeout(20)
            try:
                s.connect(('HOST', 81 if i % 4 == 3 else 7))
            except ConnectionRefusedError:
                s.close()
                return
            s.sendall(b'x' * 100)
            got = 0
            while got < 100:
                got += len(s.recv(100))
            if i % 4 == 1:
                s.shutdown(socket.SHUT_WR)
                assert s.recv(1) == b''
            if i % 4 == 2:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            s.close()
        done = []
        def many(count):
            for i in range(count):
                one(i)
            done.append(count)
        for count in (100, 500):
            threads = [threading.Thread(target=many, args=(count,)) for _ in range(8)]
            for t in threads: t.start()
            for t in threads: t.join()
            print('round', sum(done), flush=True)
            sys.stdin.readline()
        """;

    /// <summary>One download that nobody reads; next to it another of 200 MB, and an echo that goes on until that is there; then the first is read after all, and is the same.</summary>
    private const string Stalled = """
        import hashlib, socket, sys, threading
        def open(port):
            s = socket.create_connection(('HOST', port), timeout=30)
            return s
        def take(s, length):
            digest, left = hashlib.sha256(), length
            while left > 0:
                data = s.recv(min(left, 1 << 18))
                if not data:
                    raise SystemExit('the stream ended too early')
                digest.update(data)
                left -= len(data)
            return digest.hexdigest()
        slow = [open(19) for _ in range(4)]
        echo, bulk = open(7), open(19)
        over = threading.Event()
        echoes = 0
        def ping():
            global echoes
            while not over.is_set() or echoes < 100:
                echo.sendall(b'y' * 100)
                got = 0
                while got < 100:
                    got += len(echo.recv(100))
                echoes += 1
        t = threading.Thread(target=ping)
        t.start()
        whole = take(bulk, 20_000_000), take(bulk, 180_000_000)
        over.set()
        t.join()
        print('carried', echoes, flush=True)
        sys.stdin.readline()
        for s in slow:
            assert take(s, 20_000_000) == whole[0], 'what stood still has changed'
        print('same', flush=True)
        """;

    [LabFact("python3")]
    public void ThousandsOfConnectionsLeaveNeitherDescriptorsNorMemoryBehind()
    {
        Command command = Begin("", ["/usr/bin/python3", "-c", Script(Churn)], Talking);
        command.WaitFor("round 800");
        SettledSockets();
        string descriptors = Descriptors(command);
        long resident = Resident(command);
        command.Write("on\n");
        command.WaitFor("round 4800");
        SettledSockets();
        Until.True(() => Descriptors(command) == descriptors, $"the engine to be back at {descriptors}");
        Assert.InRange(Resident(command), 0, resident + Slack);
        command.Write("on\n");
        command.Wait().Ok();
    }

    [LabFact("python3")]
    public void ReadersThatStandStillCostTheOthersNothing()
    {
        Command command = Begin("", ["/usr/bin/python3", "-c", Script(Stalled)], Talking);
        command.WaitFor("carried");
        // Idle, what the stalled flows' buffers hold, and room for the collector; the gibibytes that they were sent are nowhere.
        Assert.InRange(Resident(command), 0, 120 * Megabyte);
        command.Write("on\n");
        Assert.EndsWith("same\n", command.Wait().Ok().Output, StringComparison.Ordinal);
    }

    private string Script(string text) => text.Replace("HOST", Network.Internet.V4.ToString(), StringComparison.Ordinal);

    /// <summary>Waits until the engine has no connection to the internet host any more.</summary>
    private void SettledSockets() => Until.True(
        () => Network.Client.Shell($"ss -Htn state established state close-wait dst {Network.Internet.V4} | wc -l").Ok().Output.Trim() == "0",
        "the connections of the engine to be closed");

    /// <summary>How many descriptors of each kind the engine has open (<c>socket 3</c>), files of the runtime left out.</summary>
    private static string Descriptors(Command command) => string.Join(", ", Directory.GetFiles($"/proc/{command.Id}/fd")
        .Select(path => new FileInfo(path).LinkTarget ?? "")
        .Where(target => !target.StartsWith('/'))
        .GroupBy(target => target.Split(':', '[')[0] + (target.StartsWith("anon_inode:", StringComparison.Ordinal) ? target[11..] : ""))
        .Select(kind => $"{kind.Key} {kind.Count()}")
        .Order());

    private static long Resident(Command command)
    {
        string line = File.ReadLines($"/proc/{command.Id}/status").Single(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line[6..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1024;
    }
}
