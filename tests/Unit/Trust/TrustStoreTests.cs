using System;
using System.IO;
using System.Linq;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Platform.Files;
using Culvert.Tests.Unit.Flows;
using Culvert.Trust;
using Xunit;

namespace Culvert.Tests.Unit.Trust;

[SupportedOSPlatform("linux")]
public sealed class TrustStoreTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private readonly string _directory = Directory.CreateTempSubdirectory("culvert-trust-").FullName;

    private string FilePath => Path.Combine(_directory, TrustStore.FileName);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void WhatIsAddedIsThereAgain()
    {
        using (TrustStore store = Open())
        {
            store.Add(Peer("phone") with { Rules = ["allow 192.168.1.0/24:445"], LastSeen = Noon });
            store.Add(Peer("home") with { Kind = PeerKind.Gateway, Addresses = ["tls://192.0.2.7:7443"] });
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
        using TrustStore again = Open();
        Assert.Equal(["phone", "home"], again.Peers.Select(static p => p.Name));
        TrustedPeer phone = again.Find(PeerKind.Device, "PHONE")!;
        Assert.Equal(["allow 192.168.1.0/24:445"], phone.Rules);
        Assert.Equal((Noon, Noon), (phone.Added, phone.LastSeen));
        Assert.Same(phone, again.Find(PeerKind.Device, phone.Key));
        Assert.Null(again.Find(PeerKind.Gateway, phone.Key));
        Assert.Equal(["tls://192.0.2.7:7443"], again.Find(PeerKind.Gateway, "home")!.Addresses);
        Assert.Equal("allow 192.168.1.0/24:445", JsonNode.Parse(File.ReadAllText(FilePath))!["peers"]![0]!["rules"]![0]!.GetValue<string>());
    }

    [Fact]
    public void PeersAreRenamedRevokedAndPairedAnew()
    {
        using TrustStore store = Open();
        store.Add(Peer("phone"));
        store.Add(Peer("laptop"));
        store.Rename(PeerKind.Device, "phone", "Phone");
        store.Rename(PeerKind.Device, "PHONE", "mobile");
        Assert.Equal(FailureKind.Usage, Assert.Throws<CulvertException>(() => store.Rename(PeerKind.Device, "mobile", "Laptop")).Kind);
        Assert.Equal(FailureKind.Usage, Assert.Throws<CulvertException>(() => store.Rename(PeerKind.Device, "mobile", "a\u202Eb")).Kind);
        Assert.Equal(FailureKind.Usage, Assert.Throws<CulvertException>(() => store.Add(Peer("laptop", seed: "other"))).Kind);
        store.Add(Peer("renamed", seed: "laptop")); // the same key takes its old place's stead
        Assert.Equal(["mobile", "renamed"], store.Peers.Select(static p => p.Name));
        store.Revoke(PeerKind.Device, "mobile");
        Assert.Null(store.Find(PeerKind.Device, Key("phone")));
        CulvertException e = Assert.Throws<CulvertException>(() => store.Revoke(PeerKind.Device, "mobile"));
        Assert.Equal((FailureKind.Usage, "There is no device 'mobile'; there are renamed."), (e.Kind, e.Message));
    }

    [Fact]
    public void TheLastTimeIsWrittenWhenItIsNews()
    {
        using TrustStore store = Open();
        store.Add(Peer("phone"));
        store.Seen(PeerKind.Device, Key("phone"), Noon);
        byte[] first = File.ReadAllBytes(FilePath);
        store.Seen(PeerKind.Device, Key("phone"), Noon + TrustStore.SeenGrain - TimeSpan.FromSeconds(1));
        Assert.Equal(first, File.ReadAllBytes(FilePath));
        store.Seen(PeerKind.Device, Key("phone"), Noon + TrustStore.SeenGrain);
        Assert.Equal(Noon + TrustStore.SeenGrain, store.Peers[0].LastSeen);
        store.Seen(PeerKind.Device, Key("stranger"), Noon);
        Assert.Single(store.Peers);
    }

    [Fact]
    public void WhatALaterVersionWroteStays()
    {
        Write($$$"""{"version":1,"colour":{"of":["the","sky"]},"peers":[{"kind":"device","name":"phone","key":"{{{Key("phone")}}}","added":"2026-11-20T12:00:00+00:00","battery":7}]}""");
        using TrustStore store = Open();
        store.Rename(PeerKind.Device, "phone", "mobile");
        store.Add(Peer("other"));
        JsonNode file = JsonNode.Parse(File.ReadAllText(FilePath))!;
        Assert.Equal("sky", file["colour"]!["of"]![1]!.GetValue<string>());
        Assert.Equal(7, file["peers"]![0]!["battery"]!.GetValue<int>());
        Assert.Equal("mobile", file["peers"]![0]!["name"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("", "trust.json:1")]
    [InlineData("{\n\"version\": 1,\n", "trust.json:")]
    [InlineData("null", "holds nothing")]
    [InlineData("{\"version\":2,\"peers\":[]}", "of version 2")]
    [InlineData("{\"version\":1}", "peers")]
    [InlineData("{\"version\":1,\"peers\":null}", "trust.json:1")]
    [InlineData("{\"version\":1,\"peers\":[null]}", "trust.json")]
    [InlineData("{\"version\":1,\"peers\":[],\"peers\":[]}", "trust.json:1")]
    [InlineData("{\"version\":1,\"peers\":[{\"kind\":\"device\",\"name\":\"a\",\"key\":\"x\",\"added\":\"2026-11-20T12:00:00Z\"}]}", "a key's hash")]
    [InlineData("{\"version\":1,\"peers\":[{\"kind\":\"friend\",\"name\":\"a\",\"key\":\"KEY\",\"added\":\"2026-11-20T12:00:00Z\"}]}", "trust.json:1")]
    [InlineData("{\"version\":1,\"peers\":[{\"kind\":\"device\",\"name\":\" a\",\"key\":\"KEY\",\"added\":\"2026-11-20T12:00:00Z\"}]}", "cannot be a name")]
    [InlineData("{\"version\":1,\"peers\":[{\"kind\":\"device\",\"name\":\"a\",\"key\":\"KEY\",\"added\":\"2026-11-20T12:00:00Z\"},{\"kind\":\"device\",\"name\":\"b\",\"key\":\"KEY\",\"added\":\"2026-11-20T12:00:00Z\"}]}", "there twice")]
    public void ABrokenFileIsToldAndLeftAsItIs(string content, string said)
    {
        content = content.Replace("KEY", Key("a").ToString(), StringComparison.Ordinal);
        Write(content);
        CulvertException e = Assert.Throws<CulvertException>(Open);
        Assert.Equal(FailureKind.Configuration, e.Kind);
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(FilePath));
    }

    [Fact]
    public void AFileThatBreaksUnderWayLosesNothing()
    {
        using TrustStore store = Open();
        store.Add(Peer("phone"));
        Write("{");
        Assert.Throws<CulvertException>(() => store.Add(Peer("other")));
        Assert.Equal("{", File.ReadAllText(FilePath));
        Assert.NotNull(store.Find(PeerKind.Device, "phone"));
        File.SetUnixFileMode(FilePath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherWrite);
        Assert.Contains("chmod 600", Assert.Throws<CulvertException>(() => store.Add(Peer("other"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ADeathAtAnyStepLeavesTheOldOrTheNew()
    {
        foreach (AtomicStep step in Enum.GetValues<AtomicStep>())
        {
            using (TrustStore store = Open())
            {
                store.Add(Peer("old"));
            }

            using (TrustStore dying = new(_directory, static _ => { }) { Watched = at => Die(at, step) })
            {
                Assert.Throws<DeathException>(() => dying.Add(Peer("new")));
            }

            using TrustStore after = Open();
            Assert.Equal(step == AtomicStep.FlushDirectory ? ["old", "new"] : ["old"], after.Peers.Select(static p => p.Name));
            after.Add(Peer("next"));
            Assert.NotNull(after.Find(PeerKind.Device, "next"));
            File.Delete(FilePath);
        }
    }

    [Fact]
    public void ADeathAtAnyByteOfAWriteLeavesTheOld()
    {
        using (TrustStore store = Open())
        {
            store.Add(Peer("old"));
        }

        byte[] before = File.ReadAllBytes(FilePath);
        byte[] next = [.. before, .. "more"u8];
        for (int length = 0; length <= next.Length; length++)
        {
            // What a death in the middle of the write leaves: the old file, and so much of the new one.
            File.WriteAllBytes(FilePath + AtomicFile.Unfinished, next[..length]);
            using (TrustStore store = Open())
            {
                Assert.Equal("old", Assert.Single(store.Peers).Name);
            }

            Assert.Equal(before, File.ReadAllBytes(FilePath));
        }

        using TrustStore last = Open();
        last.Add(Peer("new"));
        Assert.Equal(2, last.Peers.Count);
        Assert.False(File.Exists(FilePath + AtomicFile.Unfinished));
    }

    [Fact]
    public void AFullDiskLosesNothingAndLeavesNothing()
    {
        using TrustStore store = new(_directory, static _ => { }) { Watched = static at => Fill(at) };
        CulvertException e = Assert.Throws<CulvertException>(() => store.Add(Peer("phone")));
        Assert.Equal(FailureKind.Configuration, e.Kind);
        Assert.Empty(store.Peers);
        Assert.False(File.Exists(FilePath));
        Assert.False(File.Exists(FilePath + AtomicFile.Unfinished));
    }

    [Fact]
    public async Task ManyWritersLoseNothingOfEachOther()
    {
        // A lock belongs to an open file, so two stores stand for two processes.
        using TrustStore one = Open();
        using TrustStore two = Open();
        using Barrier start = new(3);
        await Task.WhenAll(
            Task.Run(() => AddMany(one, "a", start)),
            Task.Run(() => AddMany(two, "b", start)),
            Task.Run(() => AddMany(two, "c", start)));
        using TrustStore store = Open();
        Assert.Equal(60, store.Peers.Count);
    }

    [Fact]
    public async Task WhatOneRevokesAnotherNotices()
    {
        using TrustStore one = Open();
        one.Add(Peer("phone"));
        using TrustStore two = Open();
        TaskCompletionSource gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
        two.Changed += () =>
        {
            if (two.Find(PeerKind.Device, Key("phone")) is null)
            {
                gone.TrySetResult();
            }
        };
        one.Revoke(PeerKind.Device, "phone");
        await gone.Task.WaitAsync(Patience.Soon);
    }

    [Fact]
    public async Task AFileThatBreaksIsSaidAndTheOldPeersStay()
    {
        TaskCompletionSource<string> said = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using TrustStore store = new(_directory, s => said.TrySetResult(s));
        store.Add(Peer("phone"));
        Write("no JSON");
        Assert.Contains("trust.json:1", await said.Task.WaitAsync(Patience.Soon), StringComparison.Ordinal);
        Assert.NotNull(store.Find(PeerKind.Device, "phone"));
    }

    [Fact]
    public void AFreeNameIsFound()
    {
        using TrustStore store = Open();
        Assert.Equal("phone", store.FreeName(PeerKind.Device, "phone"));
        store.Add(Peer("phone"));
        store.Add(Peer("phone-2"));
        Assert.Equal("phone-3", store.FreeName(PeerKind.Device, "Phone").ToLowerInvariant());
        Assert.Equal("phone", store.FreeName(PeerKind.Gateway, "phone"));
        Assert.Equal("device", store.FreeName(PeerKind.Device, "\u0007"));
        string longest = new('x', PairName.MaxSize);
        store.Add(Peer(longest));
        Assert.Equal(longest[..^2] + "-2", store.FreeName(PeerKind.Device, longest));
    }

    private static void AddMany(TrustStore store, string prefix, Barrier start)
    {
        for (int i = 0; i < 20; i++)
        {
            Assert.True(start.SignalAndWait(Patience.Soon)); // all at once, each time
            store.Add(Peer($"{prefix}{i}"));
        }
    }

    private static void Die(AtomicStep at, AtomicStep step)
    {
        if (at == step)
        {
            throw new DeathException();
        }
    }

    private static void Fill(AtomicStep at)
    {
        if (at == AtomicStep.Flush)
        {
            throw new IOException("No space left on device.");
        }
    }

    private static KeyHash Key(string seed) => KeyHash.Read(SHA256.HashData(Encoding.UTF8.GetBytes(seed)));

    private static TrustedPeer Peer(string name, string? seed = null) => new() { Kind = PeerKind.Device, Name = name, Key = Key(seed ?? name), Added = Noon };

    private TrustStore Open() => new(_directory, static _ => { });

    private void Write(string content)
    {
        File.WriteAllText(FilePath, content);
        File.SetUnixFileMode(FilePath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private sealed class DeathException : Exception;
}
