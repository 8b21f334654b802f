using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Threading;
using Culvert.Tests.Lab;

namespace Culvert.Bench.Running;

/// <summary>Where a contender runs, and what it finds there: a directory with its files, a port for its proxy, its far end, a host.</summary>
internal sealed class Premises : IDisposable
{
    /// <summary>Its port counts the premises from here.</summary>
    internal const int FirstPort = 20_000;

    private static int _count;

    private readonly Host? _own;
    private readonly LoadProcess? _farEnd;

    internal Premises(Contender contender, BenchNetwork network, CancellationToken stop)
    {
        int number = Interlocked.Increment(ref _count);
        Mark = $"{Environment.ProcessId}-{number}-{contender.Name}";
        Proxy = new IPEndPoint(IPAddress.Loopback, FirstPort + number);
        Directory = Path.Combine(network.Lab.Work, Mark);
        global::System.IO.Directory.CreateDirectory(Directory);
        foreach ((string name, string text) in contender.Files)
        {
            File.WriteAllText(Path.Combine(Directory, name), Contender.Fill(text, Proxy, Directory));
        }

        try
        {
            _own = contender.WantsHost ? network.Neighbour() : null;
            Host = _own ?? network.Client;
            if (contender.FarEnd.Count > 0)
            {
                // Another mark: the far end's processor time is not the tunnel's, as it is not with a SOCKS server.
                _farEnd = new LoadProcess(network.Exit.Namespace, contender.FarEnd.Select(word => Contender.Fill(word, Proxy, Directory)), Mark + "-far", Directory, stop);
                _farEnd.Ready();
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Names the processes that belong here.</summary>
    internal string Mark { get; }

    /// <summary>Where the contender may write.</summary>
    internal string Directory { get; }

    /// <summary>Where it listens if it is a proxy.</summary>
    internal IPEndPoint Proxy { get; }

    /// <summary>The host it runs on.</summary>
    internal Host Host { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _farEnd?.Dispose();
        if (_own is not null)
        {
            LabNetwork.Remove(_own.Namespace);
        }
    }
}
