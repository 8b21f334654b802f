using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Dns;
using Culvert.Platform.Network;

namespace Culvert.Cli.LeakTest;

/// <summary>
/// Tries to leave this machine beside the tunnel. Routes are asked for without sending anything; the packets that insist on the machine's own interface are single
/// datagrams to addresses for documentation (RFC 5737, RFC 3849), where nobody is, and to the machine's own name servers.
/// </summary>
internal static class LeakProbe
{
    // The machine's own, and whom a resolver on this machine asks (systemd-resolved(8)).
    private static readonly string[] ResolverFiles = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

    private const int SolSocket = 1;
    private const int BindToDevice = 25;
    private const int DnsPort = 53;
    private const int Discard = 9;
    private const int Https = 443;

    private static readonly IPAddress NobodyV4 = IPAddress.Parse("203.0.113.250");
    private static readonly IPAddress NobodyV6 = IPAddress.Parse("2001:db8:ffff::250");
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(3);

    /// <summary>One verdict for each sort of traffic, with the tunnel on <paramref name="link"/> up.</summary>
    public static async Task<IReadOnlyList<Verdict>> RunAsync(string link, CancellationToken cancellation)
    {
        string? own = DefaultRoute.Find(link)?.Interface;
        List<Verdict> verdicts =
        [
            Observe("IPv4, TCP and all else", NobodyV4, Https, TunnelAddresses.LinkV4, SocketType.Stream, own).Judge(),
            Observe("IPv4, UDP", NobodyV4, Https, TunnelAddresses.LinkV4, SocketType.Dgram, own).Judge(),
            Observe("IPv6, TCP and all else", NobodyV6, Https, TunnelAddresses.LinkV6, SocketType.Stream, own).Judge(),
            Observe("IPv6, UDP", NobodyV6, Https, TunnelAddresses.LinkV6, SocketType.Dgram, own).Judge(),
        ];
        foreach (IPAddress server in ResolverFiles.SelectMany(Resolvers).Distinct().Where(static s => !IPAddress.IsLoopback(s) && !TunnelAddresses.BlockV4.Contains(s)))
        {
            IPAddress tunnel = server.AddressFamily == AddressFamily.InterNetwork ? TunnelAddresses.LinkV4 : TunnelAddresses.LinkV6;
            verdicts.Add(Observe($"DNS to the machine's own name server {server}", server, DnsPort, tunnel, SocketType.Dgram, own).Judge());
        }

        verdicts.Add(await AskNobodyAsync(cancellation));
        return verdicts;
    }

    private static Observation Observe(string subject, IPAddress address, int port, IPAddress tunnel, SocketType type, string? own) =>
        new(subject, SourceFor(address, port, type), tunnel, own is null ? null : TryAround(new IPEndPoint(address, port == DnsPort ? DnsPort : Discard), own));

    /// <summary>The address that the system would send from.</summary>
    private static IPAddress? SourceFor(IPAddress address, int port, SocketType type)
    {
        // Connecting a datagram socket looks the route up and sends nothing; TCP's rules are the same but for ports.
        using Socket socket = new(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Connect(new IPEndPoint(address, type == SocketType.Stream ? Discard : port));
            return ((IPEndPoint)socket.LocalEndPoint!).Address;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    private static Attempt TryAround(IPEndPoint target, string own)
    {
        using Socket socket = new(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.SetRawSocketOption(SolSocket, BindToDevice, Encoding.UTF8.GetBytes(own));
            socket.SendTo("culvert leaktest"u8, target);
            return Attempt.Sent;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.NetworkUnreachable or SocketError.HostUnreachable or SocketError.AddressNotAvailable)
        {
            return Attempt.NoWay;
        }
        catch (SocketException)
        {
            return Attempt.Refused;
        }
    }

    /// <summary>A question to an address that nobody has: an answer can only be the tunnel's.</summary>
    private static async Task<Verdict> AskNobodyAsync(CancellationToken cancellation)
    {
        const string subject = "DNS, whomever it is meant for";
        DnsAnswers.TryWriteQuery("localhost", DnsType.A, out byte[] query);
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(AnswerLimit);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(NobodyV4, DnsPort), limit.Token);
            await socket.SendAsync(query, limit.Token);
            byte[] answer = new byte[512];
            int length = await socket.ReceiveAsync(answer, limit.Token);
            return new Verdict(
                DnsQuestion.IsAnswered(query, answer.AsSpan(0, length)), subject, $"a question to {NobodyV4}, where nobody is, was answered: by the tunnel");
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return new Verdict(false, subject, $"a question to {NobodyV4} was not answered by the tunnel ({e.Message})");
        }
    }

    private static IEnumerable<IPAddress> Resolvers(string file)
    {
        if (!File.Exists(file))
        {
            yield break;
        }

        string[] lines;
        try
        {
            lines = File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CulvertException(FailureKind.Configuration, $"{file} cannot be read: {e.Message}", e);
        }

        foreach (string line in lines)
        {
            string[] words = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words is ["nameserver", _, ..] && IPAddress.TryParse(words[1], out IPAddress? address))
            {
                yield return address;
            }
        }
    }
}
