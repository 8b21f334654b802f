using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using Culvert.Core.Session;
using Xunit;

namespace Culvert.Tests.Unit.Session;

/// <summary>The examples next to the protocol's text are what the code writes and reads.</summary>
public sealed class VectorTests
{
    public static TheoryData<string, string> Frames => Lines(static line => !line.StartsWith("bad ", StringComparison.Ordinal) && !line.StartsWith("pairing ", StringComparison.Ordinal));

    public static TheoryData<string, string> Violations => Lines(static line => line.StartsWith("bad ", StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Frames))]
    public void FramesAreWrittenAsTheExamplesSay(string words, string bytes) => Assert.Equal(bytes, Convert.ToHexStringLower(VectorFrame.Encode(words)));

    [Theory]
    [MemberData(nameof(Frames))]
    public void FramesAreReadAsTheExamplesSay(string words, string bytes) => Assert.Equal(words, VectorFrame.Decode(Convert.FromHexString(bytes)));

    [Fact]
    public void EveryTypeHasAnExample()
    {
        IEnumerable<byte> seen = Text().Where(static line => line.Contains(" | ", StringComparison.Ordinal)).Select(static line => Convert.FromHexString(line.Split(" | ")[1])[0]);
        Assert.Empty(Enum.GetValues<FrameType>().Select(static type => (byte)type).Except(seen));
    }

    [Theory]
    [MemberData(nameof(Violations))]
    public void ViolationsEndTheSession(string words, string bytes)
    {
        byte[] frame = Convert.FromHexString(bytes);
        for (int cut = 0; cut < frame.Length; cut += Math.Max(1, frame.Length / 4))
        {
            using SessionPair pair = new();
            VshpStream stream = pair.OpenAccepted();
            pair.Gateway.Receive(frame.AsSpan(0, cut), pair.Now);
            pair.Gateway.Receive(frame.AsSpan(cut), pair.Now);
            Assert.True(pair.Gateway.IsOver, words);
            Assert.Equal(VshpReason.Protocol, pair.Gateway.EndReason);
            pair.Carry();
            Assert.Equal(VshpReason.Protocol, pair.Device.EndReason);
            Assert.True(pair.Device.EndedByPeer);
            Assert.True(stream.IsOver);
        }
    }

    [Fact]
    public void PairingComesToTheExamplesDigits()
    {
        Dictionary<string, string> fields = Text().Single(static line => line.StartsWith("pairing ", StringComparison.Ordinal))
            .Split(' ').Skip(1).ToDictionary(static p => p.Split('=')[0], static p => p.Split('=')[1]);
        Bytes32 Value(string name) => new(Convert.FromHexString(fields[name]));
        byte[] secret = Convert.FromHexString(fields["S"]);
        PairTranscript transcript = new(Value("Kd"), Value("Kg"), Value("Nd"), Value("Ng"), fields["device"], fields["gateway"]);
        Assert.Equal(Value("commitment"), PairTranscript.Commitment(Value("Kd"), Value("Kg"), Value("Nd")));
        Assert.Equal(Value("device-proof"), transcript.DeviceProof(secret));
        Assert.Equal(Value("gateway-proof"), transcript.GatewayProof(secret));
        Assert.Equal(fields["digits"], transcript.Digits);
    }

    private static TheoryData<string, string> Lines(Func<string, bool> wanted)
    {
        TheoryData<string, string> data = [];
        foreach (string line in Text().Where(line => line.Contains(" | ", StringComparison.Ordinal) && wanted(line)))
        {
            data.Add(line.Split(" | ")[0], line.Split(" | ")[1]);
        }

        return data;
    }

    private static IEnumerable<string> Text([CallerFilePath] string here = "") =>
        File.ReadLines(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../docs/protocol-vectors.txt"))).Where(static line => !line.StartsWith('#') && line.Length > 0);
}
