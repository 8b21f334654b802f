using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Culvert.Tests.Lab;
using Xunit;

namespace Culvert.Tests.EndToEnd.Steering;

/// <summary>
/// A test of the helper of a tunnel, with the real helper and an engine that only answers pings (tests/Probe): whatever is pinged answers when its packets
/// came into the link. Nothing may leave the client but what the test allows.
/// </summary>
public abstract class SteeringTest : LabTest
{
    private static readonly string Folder = AppContext.BaseDirectory;

    /// <summary>Begins a test: nothing may leave.</summary>
    protected SteeringTest(LabFixture fixture)
        : base(fixture)
    {
        Only("nothing at all", static _ => false);
        Own(new Sweep(this)); // disposed last, after the engines
    }

    /// <summary>Where the tests' journals are.</summary>
    protected string Journals => Path.Combine(Network.Temporary, "journals");

    /// <summary>Starts an engine; with <paramref name="deathAt"/>, its helper dies at that line of the journal: after it is written, or before when it is negative.</summary>
    protected Command Engine(int deathAt = 0) => Own(Network.Client.Start(
        ["dotnet", Path.Combine(Folder, "Culvert.Tests.Probe.dll"), "engine", Journals, Path.Combine(Folder, deathAt != 0 ? "Culvert.Tests.Probe" : "culvert-helper")],
        new CommandOptions { OpenInput = true, Environment = new Dictionary<string, string?> { ["PROBE_DIES_AT"] = $"{deathAt}", ["DOTNET_EnableDiagnostics"] = "0" } }));

    /// <summary>Starts an engine and has it make a tunnel.</summary>
    protected Command Up(string state = "", string link = "culvert0")
    {
        Command engine = Engine();
        Tell(engine, $"open {link}");
        Tell(engine, $"set {state}");
        return engine;
    }

    /// <summary>Tells an engine a line and returns what it says to it, which is that it is done unless <paramref name="failure"/> is expected.</summary>
    protected static string Tell(Command engine, string line, string? failure = null)
    {
        int said = engine.Output.Split('\n').Length;
        engine.Write(line + "\n");
        Until.True(
            () =>
            {
                bool answered = engine.Output.Split('\n').Length > said;
                if (!answered)
                {
                    engine.ThrowIfEnded();
                }

                return answered;
            },
            $"an answer to `{line}`");
        string answer = engine.Output.Split('\n')[said - 1];
        Assert.StartsWith($"{line.Split(' ')[0]}: {failure ?? "done"}", answer, StringComparison.Ordinal);
        return answer;
    }

    /// <summary>Ends an engine's input and waits until it has gone.</summary>
    protected static void End(Command engine)
    {
        engine.CloseInput();
        engine.Wait();
    }

    /// <summary>Runs the helper's clean-up.</summary>
    protected CommandResult CleanUp(params string[] arguments) => Network.Client.Run(["dotnet", Path.Combine(Folder, "culvert-helper.dll"), "cleanup", $"journals={Journals}", .. arguments]);

    /// <summary>Whether an address answers a ping from the client.</summary>
    protected bool Answers(object address, string options = "") => Network.Client.Shell($"ping -c1 -W1 {options} {address}").ExitCode == 0;

    /// <summary>How many milliseconds a line of shell on the client took to fail; it must.</summary>
    protected double FailsAfter(string line)
    {
        CommandResult result = Network.Client.Shell(line);
        Assert.NotEqual(0, result.ExitCode);
        return result.Elapsed.TotalMilliseconds;
    }

    /// <summary>The process of the helper that serves an engine.</summary>
    protected static int HelperOf(Command engine) =>
        int.Parse(File.ReadAllText($"/proc/{engine.Id}/task/{engine.Id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Concat(
            Directory.GetDirectories($"/proc/{engine.Id}/task").SelectMany(static task => File.ReadAllText($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))).First(),
            System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>A test that failed half-way must not be the next one's ruin.</summary>
    private sealed class Sweep(SteeringTest test) : IDisposable
    {
        public void Dispose()
        {
            if (Directory.Exists(test.Journals))
            {
                CommandResult result = test.CleanUp();
                throw new InvalidOperationException($"The test left a journal behind, cleaned up now: {result}");
            }
        }
    }
}
