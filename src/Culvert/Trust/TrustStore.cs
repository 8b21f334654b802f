using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Platform.Files;

namespace Culvert.Trust;

/// <summary>
/// Whom we are paired with, in <c>trust.json</c>: read by all, changed by one at a time, and followed, so that what one process revokes another notices. A change reads the
/// file anew under its lock and replaces it as a whole. For use from many threads.
/// </summary>
public sealed class TrustStore : IDisposable
{
    /// <summary>The file's name in its directory.</summary>
    public const string FileName = "trust.json";

    /// <summary>How old a peer's last time may be before a new one is written: disks have better things to do.</summary>
    public static readonly TimeSpan SeenGrain = TimeSpan.FromMinutes(10);

    private const int MaxFile = 4 << 20;

    private static readonly TrustFile Nobody = new() { Version = TrustFile.CurrentVersion, Peers = [] };

    private readonly string _path;
    private readonly Action<string> _say;
    private readonly FileWatch _watch;
    private readonly Lock _lock = new();
    private volatile IReadOnlyList<TrustedPeer> _peers = [];

    /// <summary>Opens the store in <paramref name="directory"/>, which is made where it is not there.</summary>
    /// <param name="directory">Where the file is.</param>
    /// <param name="say">Told when the file has become unreadable under way; the peers then stay as they were.</param>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: the file cannot be read, or is broken.</exception>
    public TrustStore(string directory, Action<string> say)
    {
        _path = Path.Combine(directory, FileName);
        _say = say;
        PrivateFile.MakeDirectory(directory);
        _watch = new FileWatch(_path, Follow);
        try
        {
            lock (_lock)
            {
                _peers = Read().Peers;
            }
        }
        catch
        {
            _watch.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The peers may have become others, by this process or another; told from any thread. Whoever carries a peer's session ends it when
    /// <see cref="Find(PeerKind, KeyHash)"/> knows the peer no more.
    /// </summary>
    public event Action? Changed;

    /// <summary>All peers as they are now, in the order they came.</summary>
    public IReadOnlyList<TrustedPeer> Peers => _peers;

    /// <summary>Called before each step of a write, for tests that end there.</summary>
    internal Action<AtomicStep>? Watched { get; init; }

    /// <summary>The peer with this key; null for a stranger.</summary>
    public TrustedPeer? Find(PeerKind kind, KeyHash key) => _peers.FirstOrDefault(p => p.Kind == kind && p.Key == key);

    /// <summary>The peer with this name, whatever the case; null when there is none.</summary>
    public TrustedPeer? Find(PeerKind kind, string name) => _peers.FirstOrDefault(p => p.IsCalled(kind, name));

    /// <summary>Adds a peer. One of its kind with the same key is replaced, one with the same name is in the way.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Usage"/>: the name is taken, or cannot be one; <see cref="FailureKind.LimitReached"/>; <see cref="FailureKind.Configuration"/>: the file.</exception>
    public void Add(TrustedPeer peer) => Change(peers =>
    {
        peers.RemoveAll(p => p.Kind == peer.Kind && p.Key == peer.Key);
        RequireFree(peers, peer.Kind, peer.Name);
        if (peers.Count >= TrustFile.MaxPeers)
        {
            throw new CulvertException(FailureKind.LimitReached, $"There are {TrustFile.MaxPeers} peers already; revoke one that is not needed.");
        }

        peers.Add(peer);
    });

    /// <summary>Gives a peer another name.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Usage"/>: there is no such peer, or the name is taken or cannot be one; <see cref="FailureKind.Configuration"/>: the file.</exception>
    public void Rename(PeerKind kind, string name, string newName) => Change(peers =>
    {
        int index = Require(peers, kind, name);
        if (!peers[index].IsCalled(kind, newName))
        {
            RequireFree(peers, kind, newName);
        }

        peers[index] = peers[index] with { Name = newName };
    });

    /// <summary>Forgets a peer; its sessions end when whoever carries them hears of it.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Usage"/>: there is no such peer; <see cref="FailureKind.Configuration"/>: the file.</exception>
    public void Revoke(PeerKind kind, string name) => Change(peers => peers.RemoveAt(Require(peers, kind, name)));

    /// <summary>Puts <paramref name="change"/>'s answer in a peer's place; nothing when the peer is gone. Kind, name and key stay.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: the file.</exception>
    public void Update(PeerKind kind, KeyHash key, Func<TrustedPeer, TrustedPeer> change) => Change(peers =>
    {
        int index = peers.FindIndex(p => p.Kind == kind && p.Key == key);
        if (index >= 0)
        {
            TrustedPeer old = peers[index];
            peers[index] = change(old) with { Kind = old.Kind, Name = old.Name, Key = old.Key };
        }
    });

    /// <summary>Notes that a peer was connected at <paramref name="now"/>; not on the disk when that is hardly news.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: the file.</exception>
    public void Seen(PeerKind kind, KeyHash key, DateTimeOffset now)
    {
        if (Find(kind, key) is { } peer && (peer.LastSeen is not { } last || now - last >= SeenGrain || now < last))
        {
            Update(kind, key, p => p with { LastSeen = now });
        }
    }

    /// <summary>A name like <paramref name="wanted"/> that no peer of this kind has.</summary>
    public string FreeName(PeerKind kind, string wanted)
    {
        string start = PairName.IsName(wanted) ? wanted : kind == PeerKind.Device ? "device" : "gateway";
        string name = start;
        for (int number = 2; Find(kind, name) is not null; number++)
        {
            name = $"{start}-{number}";
            while (!PairName.IsName(name))
            {
                // A name that fills its room gives way to the number.
                start = start[..^1].TrimEnd();
                name = $"{start}-{number}";
            }
        }

        return name;
    }

    /// <summary>Stops following the file.</summary>
    public void Dispose() => _watch.Dispose();

    private static int Require(List<TrustedPeer> peers, PeerKind kind, string name)
    {
        int index = peers.FindIndex(p => p.IsCalled(kind, name));
        string[] known = [.. peers.Where(p => p.Kind == kind).Select(static p => p.Name)];
        return index >= 0 ? index : throw new CulvertException(
            FailureKind.Usage, $"There is no {Word(kind)} '{name}'{(known.Length > 0 ? $"; there are {string.Join(", ", known)}" : ", and no other")}.");
    }

    private static void RequireFree(List<TrustedPeer> peers, PeerKind kind, string name)
    {
        if (!PairName.IsName(name))
        {
            throw new CulvertException(FailureKind.Usage, $"A name has {PairName.Rule}.");
        }

        if (peers.Exists(p => p.IsCalled(kind, name)))
        {
            throw new CulvertException(FailureKind.Usage, $"There is a {Word(kind)} '{name}' already. Choose another name, or revoke that one first.");
        }
    }

    private static string Word(PeerKind kind) => kind == PeerKind.Device ? "device" : "gateway";

    private TrustFile Read() => PrivateFile.Read(_path, MaxFile) is { } content ? TrustFile.Parse(_path, content) : Nobody;

    private void Change(Action<List<TrustedPeer>> change)
    {
        using (FileLock held = new(_path + ".lock"))
        {
            lock (_lock)
            {
                TrustFile file = Read();
                List<TrustedPeer> peers = [.. file.Peers];
                change(peers);
                AtomicFile.Write(_path, (file with { Peers = peers }).Write(), Watched);
                _peers = peers;
            }
        }

        Changed?.Invoke();
    }

    private void Follow()
    {
        try
        {
            lock (_lock)
            {
                _peers = Read().Peers;
            }
        }
        catch (CulvertException e)
        {
            _say($"{e.Message} Until then it is as it was before.");
            return;
        }

        Changed?.Invoke();
    }
}
