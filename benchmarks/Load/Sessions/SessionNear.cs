using System;
using System.Buffers;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Transports;
using Culvert.Trust;

namespace Culvert.Bench.Load.Sessions;

/// <summary>
/// The near side of sessions. <c>vshp</c> and <c>plain</c> say by what: streams of one session over one TLS connection, as an exit gives them; or a TLS connection for each stream, by blocking
/// calls on threads of its own.
/// </summary>
internal sealed class SessionNear(IPAddress far)
{
    private static readonly TimeSpan OpenLimit = TimeSpan.FromSeconds(20);

    // Never dialled, and a public one, since a gateway gives no other away.
    private static readonly IPAddress Anywhere = IPAddress.Parse("1.1.1.1");

    private readonly Identity _identity = Identity.CreateTemporary();
    private readonly List<IDisposable> _bulk = [];
    private readonly List<IConnection> _held = [];
    private GatewayExit? _exit;
    private KeyHash _key;
    private volatile bool _stopping;

    /// <summary>
    /// Answers an order: <c>key KEY</c>; <c>bulk vshp|plain up|down STREAMS</c>, <c>stop</c>; <c>echo vshp|plain SECONDS</c>; <c>hold STREAMS</c> (of a session), <c>drop</c>.
    /// </summary>
    internal string Obey(string[] order)
    {
        switch (order[0])
        {
            case "key":
                _key = KeyHash.TryParse(order[1], out KeyHash key) ? key : throw new ReachException("that is no key");
                _exit = Reach();
                return "";
            case "bulk":
                _stopping = false;
                bool up = order[2] == "up";
                _bulk.AddRange(Enumerable.Range(0, int.Parse(order[3], CultureInfo.InvariantCulture)).Select(_ => order[1] == "vshp" ? Carry(up) : CarryPlain(up)));
                return "";
            case "stop":
                _stopping = true;
                _bulk.ForEach(static one => one.Dispose());
                _bulk.Clear();
                return "";
            case "echo":
                double seconds = double.Parse(order[2], CultureInfo.InvariantCulture);
                return (order[1] == "vshp" ? Wait(EchoAsync(seconds)) : EchoPlain(seconds)).ToString();
            case "hold":
                Wait(HoldAsync(int.Parse(order[1], CultureInfo.InvariantCulture)));
                return "";
            case "drop":
                _held.ForEach(static one => one.Abort());
                _held.Clear();
                return "";
            default:
                throw new ReachException($"unknown order '{order[0]}'");
        }
    }

    private static T Wait<T>(Task<T> task)
    {
        try
        {
            return task.GetAwaiter().GetResult();
        }
        catch (CulvertException e)
        {
            throw new ReachException(e.Message);
        }
    }

    private GatewayExit Reach()
    {
        TlsTransport way = new(
            new TcpTransport(new DirectExit(ExitOptions.Default), new Destination(far, SessionPorts.Vshp)),
            new TlsClientOptions { Pin = _key, Identity = _identity });
        return new GatewayExit([way], GatewayExitOptions.Default);
    }

    private Task<IConnection> OpenAsync(ushort port) => _exit!.ConnectAsync(new Destination(Anywhere, port), default).AsTask().WaitAsync(OpenLimit);

    private SslStream OpenPlain(ushort port)
    {
        Socket socket = new(far.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(far, SessionPorts.Plain);
        SslStream tls = new(new NetworkStream(socket, ownsSocket: true), leaveInnerStreamOpen: false, (_, shown, _, _) => shown is X509Certificate2 certificate && KeyHash.Of(certificate) == _key);
        tls.AuthenticateAsClient(new SslClientAuthenticationOptions { TargetHost = "", EnabledSslProtocols = SslProtocols.Tls13, AllowTlsResume = false });
        tls.WriteByte((byte)port);
        return tls;
    }

    private Ending Carry(bool up)
    {
        IConnection connection = Wait(OpenAsync(up ? SessionPorts.Sink : SessionPorts.Source));
        Task pump = Task.Run(() => PumpAsync(connection, up));
        return new Ending(() =>
        {
            connection.Abort();
            pump.Wait();
        });
    }

    private async Task PumpAsync(IConnection connection, bool up)
    {
        byte[] block = new byte[SessionPorts.BlockSize];
        try
        {
            while (!_stopping)
            {
                if (up)
                {
                    await connection.WriteAsync(new ReadOnlySequence<byte>(block)).ConfigureAwait(false);
                }
                else
                {
                    Counters.AddBytes(await connection.ReadAsync(block).ConfigureAwait(false));
                }
            }
        }
        catch (CulvertException) when (_stopping)
        {
            // By us.
        }
    }

    private Ending CarryPlain(bool up)
    {
        SslStream tls = OpenPlain(up ? SessionPorts.Sink : SessionPorts.Source);
        Thread pump = Threads.Start(() =>
        {
            byte[] block = new byte[SessionPorts.BlockSize];
            try
            {
                while (!_stopping)
                {
                    if (up)
                    {
                        tls.Write(block);
                    }
                    else
                    {
                        Counters.AddBytes(tls.Read(block));
                    }
                }
            }
            catch (Exception e) when (_stopping && e is IOException or ObjectDisposedException)
            {
                // By us.
            }
        });
        return new Ending(() =>
        {
            tls.Dispose();
            pump.Join();
        });
    }

    private async Task<LoadResult> EchoAsync(double seconds)
    {
        IConnection connection = await OpenAsync(SessionPorts.Echo);
        try
        {
            byte[] request = new byte[SessionPorts.RequestSize];
            byte[] answer = new byte[SessionPorts.RequestSize];
            List<double> times = [];
            long begin = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds)
            {
                long start = Stopwatch.GetTimestamp();
                await connection.WriteAsync(new ReadOnlySequence<byte>(request)).ConfigureAwait(false);
                for (int got = 0; got < answer.Length;)
                {
                    got += await connection.ReadAsync(answer).ConfigureAwait(false);
                }

                times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            }

            return Result(times, begin);
        }
        finally
        {
            await connection.DisposeAsync();
        }
    }

    private LoadResult EchoPlain(double seconds)
    {
        using SslStream tls = OpenPlain(SessionPorts.Echo);
        byte[] request = new byte[SessionPorts.RequestSize];
        List<double> times = [];
        long begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds)
        {
            long start = Stopwatch.GetTimestamp();
            tls.Write(request);
            tls.ReadExactly(request);
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return Result(times, begin);
    }

    private async Task<bool> HoldAsync(int streams)
    {
        byte[] one = new byte[1];
        while (_held.Count < streams)
        {
            IConnection connection = await OpenAsync(SessionPorts.Echo);
            _held.Add(connection);
            await connection.WriteAsync(new ReadOnlySequence<byte>(one)).ConfigureAwait(false);
            if (await connection.ReadAsync(one).ConfigureAwait(false) != 1)
            {
                throw new ReachException("the stream ended too early");
            }
        }

        return true;
    }

    private static LoadResult Result(List<double> times, long begin)
    {
        times.Sort();
        return new LoadResult(times.Count, Stopwatch.GetElapsedTime(begin).TotalSeconds, 0, times[times.Count / 2], times[times.Count * 99 / 100]);
    }

    private sealed class Ending(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
