using System;
using System.Globalization;
using System.IO;
using System.Text;
using Xunit;

namespace Culvert.Tests.Simulation.Throughput;

/// <summary>Holds the stack to the committed table docs/throughput-under-loss.md, and writes it when SIM_TABLE is set to "write".</summary>
public sealed class ThroughputUnderLoss
{
    private const int SeedsPerCell = 3;

    private static readonly double[] Losses = [0, 0.1, 0.5, 1, 2, 5, 10, 20];
    private static readonly double[] RoundTrips = [0.1, 10, 50, 100, 200];

    /// <summary>Cells that are measured in every run: the corners, and the middle where recovery decides.</summary>
    public static TheoryData<double, double> Sample => new()
    {
        { 0, 200 },
        { 0.1, 50 },
        { 2, 0.1 },
        { 1, 50 },
        { 2, 10 },
        { 5, 100 },
        { 10, 10 },
        { 20, 0.1 },
        { 20, 100 },
    };

    [Theory]
    [MemberData(nameof(Sample))]
    public void GoodputStaysWithinATenthOfTheCommittedTable(double loss, double roundTrip)
    {
        (double down, double up) committed = Committed(loss, roundTrip);
        (double down, double up) = Cell(loss, roundTrip);
        Assert.True(down >= committed.down * 0.9, $"down: {down:F2} Mbit/s, committed {committed.down:F2}");
        Assert.True(up >= committed.up * 0.9, $"up: {up:F2} Mbit/s, committed {committed.up:F2}");
    }

    /// <summary>Does nothing unless asked: it rewrites the document.</summary>
    [Fact]
    public void TheTableIsWrittenOnRequest()
    {
        if (Environment.GetEnvironmentVariable("SIM_TABLE") != "write")
        {
            Assert.True(File.Exists(Document), "docs/throughput-under-loss.md is missing; write it with SIM_TABLE=write");
            return;
        }

        StringBuilder text = new();
        text.Append(Introduction);
        text.Append("| loss |");
        foreach (double roundTrip in RoundTrips)
        {
            text.Append(CultureInfo.InvariantCulture, $" {roundTrip} ms |");
        }

        text.Append("\n|---:|").Append(string.Concat(System.Linq.Enumerable.Repeat("---:|", RoundTrips.Length))).Append('\n');
        foreach (double loss in Losses)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {loss} % |");
            foreach (double roundTrip in RoundTrips)
            {
                (double down, double up) = Cell(loss, roundTrip);
                text.Append(CultureInfo.InvariantCulture, $" {Figure(down)} / {Figure(up)} |");
            }

            text.Append('\n');
        }

        File.WriteAllText(Document, text.ToString());
    }

    private const string Introduction = """
        # Throughput under loss

        Goodput of one TCP connection in Mbit/s, **down / up**, by packet loss (rows) and round-trip time (columns), in simulated time.

        *Down* is our sender (CUBIC, SACK, RACK) to an independent receiver; *up* is an independent sender (New Reno with SACK, minimum RTO 200 ms, written for
        the tests) to our receiver, so that its figures measure mostly that sender. The network carries 100 Mbit/s each way (96.5 Mbit/s of goodput at most),
        queues one bandwidth-delay product (at least 64 KiB), and loses packets at random in both directions, acknowledgments too. A figure is the mean of three
        seeds over the first 20 seconds of a connection, slow start included; the MTU is 1500, both ends buffer 4 MiB.

        Made by `SIM_TABLE=write dotnet test tests/Simulation -c Release --filter TheTableIsWrittenOnRequest`. Every test run measures some of the cells again and
        fails when one has fallen by more than a tenth.


        """;

    private static string Document
    {
        get
        {
            string? folder = AppContext.BaseDirectory;
            while (folder != null && !File.Exists(Path.Combine(folder, "Culvert.slnx")))
            {
                folder = Path.GetDirectoryName(folder);
            }

            return Path.Combine(folder ?? throw new InvalidOperationException("the tests do not run inside the source tree"), "docs", "throughput-under-loss.md");
        }
    }

    private static string Figure(double value) => value.ToString(value < 10 ? "F2" : "F1", CultureInfo.InvariantCulture);

    private static (double Down, double Up) Cell(double loss, double roundTrip)
    {
        double down = 0;
        double up = 0;
        for (ulong seed = 1; seed <= SeedsPerCell; seed++)
        {
            down += Measurement.Down(loss, roundTrip, seed) / SeedsPerCell;
            up += Measurement.Up(loss, roundTrip, seed) / SeedsPerCell;
        }

        return (down, up);
    }

    private static (double Down, double Up) Committed(double loss, double roundTrip)
    {
        string row = string.Create(CultureInfo.InvariantCulture, $"| {loss} % |");
        foreach (string line in File.ReadLines(Document))
        {
            if (line.StartsWith(row, StringComparison.Ordinal))
            {
                string[] figures = line.Split('|')[2 + Array.IndexOf(RoundTrips, roundTrip)].Split('/');
                return (double.Parse(figures[0], CultureInfo.InvariantCulture), double.Parse(figures[1], CultureInfo.InvariantCulture));
            }
        }

        throw new InvalidOperationException($"no row for {loss} % in {Document}");
    }
}
