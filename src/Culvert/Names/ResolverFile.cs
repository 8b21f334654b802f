using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Threading;
using Culvert.Core;

namespace Culvert.Names;

/// <summary>The name servers of <c>resolv.conf</c> (resolv.conf(5)), read anew when the file has changed.</summary>
internal sealed class ResolverFile(string path)
{
    /// <summary>Most servers that are asked, as in the system's own resolver (MAXNS).</summary>
    public const int MaxServers = 3;

    /// <summary>Where the file is on every Unix.</summary>
    public const string DefaultPath = "/etc/resolv.conf";

    private const int Port = 53;

    private readonly Lock _gate = new();
    private DateTime _written = DateTime.MinValue;
    private IReadOnlyList<IPEndPoint> _servers = [];

    /// <summary>The servers in the order they are to be asked; this machine's own when the file names none, or is not there (resolv.conf(5)).</summary>
    /// <exception cref="CulvertException">The file cannot be read: <see cref="FailureKind.Configuration"/>.</exception>
    public IReadOnlyList<IPEndPoint> Servers()
    {
        lock (_gate)
        {
            try
            {
                DateTime written = File.GetLastWriteTimeUtc(path);
                if (written != _written)
                {
                    _servers = Parse(File.Exists(path) ? File.ReadLines(path) : []);
                    _written = written;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new CulvertException(FailureKind.Configuration, $"The system's name servers cannot be read from {path}: {e.Message}", e);
            }

            return _servers;
        }
    }

    internal static IReadOnlyList<IPEndPoint> Parse(IEnumerable<string> lines)
    {
        var servers = new List<IPEndPoint>();
        foreach (string line in lines)
        {
            string[] words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words is ["nameserver", string server, ..] && servers.Count < MaxServers && IPAddress.TryParse(server, out IPAddress? address))
            {
                servers.Add(new IPEndPoint(address, Port));
            }
        }

        return servers.Count > 0 ? servers : [new IPEndPoint(IPAddress.Loopback, Port)];
    }
}
