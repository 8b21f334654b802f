using System;
using System.IO;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Gateway;
using Culvert.Transports;
using Culvert.Trust;

namespace Culvert.Bench.Load.Sessions;

/// <summary>The far side of sessions: the gateway itself, over TLS; and next to it TLS alone by blocking calls on threads of its own, which is what VSHP is compared to.</summary>
internal sealed class SessionFar
{
    /// <summary>Streams that a device may have open: more than any benchmark opens.</summary>
    internal const int MaxFlows = 20_000;

    private readonly Identity _identity = Identity.CreateTemporary();
    private readonly SslStreamCertificateContext _certificate;
    private readonly TlsServer _tls;
    private readonly VshpGateway _gateway;

    /// <summary>Listens; when this returns, devices may come.</summary>
    internal SessionFar(IPAddress at)
    {
        _certificate = TlsServer.CertificateOf(_identity);
        _tls = new TlsServer(new TlsServerOptions { Certificate = _certificate });
        TrustStore trust = new(Directory.CreateTempSubdirectory("culvert-bench-").FullName, static _ => { });
        _gateway = new VshpGateway(
            new FarExit(),
            static _ => new Policy([], static _ => false),
            ExitOptions.Default,
            trust,
            GatewayOptions.Default with { Session = new VshpOptions { MaxFlows = MaxFlows }, Say = Console.Error.WriteLine });
        Threads.Accept(Listen(at, SessionPorts.Vshp), socket => _ = ServeAsync(socket));
        Threads.Accept(Listen(at, SessionPorts.Plain), socket => Threads.Start(() => Serve(socket)));
    }

    /// <summary>Answers an order: <c>key</c> is what the near side pins.</summary>
    internal string Obey(string[] order) => order[0] switch
    {
        "key" => _identity.Hash.ToString(),
        _ => throw new ReachException($"unknown order '{order[0]}'"),
    };

    private static Socket Listen(IPAddress at, int port)
    {
        Socket listener = new(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(at, port));
        listener.Listen(64);
        return listener;
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            // The key is not looked up: whoever comes is let in as one who may use this machine is.
            await _gateway.ServeAsync(await _tls.AcceptAsync(new SocketConnection(socket, "The device"), null, default), key: null, from: null, default);
        }
        catch (CulvertException e)
        {
            Console.Error.WriteLine(e.Message);
        }
    }

    private void Serve(Socket socket)
    {
        socket.NoDelay = true;
        using SslStream tls = new(new NetworkStream(socket, ownsSocket: true));
        try
        {
            tls.AuthenticateAsServer(new SslServerAuthenticationOptions { ServerCertificateContext = _certificate, EnabledSslProtocols = SslProtocols.Tls13, AllowTlsResume = false });
            byte[] block = new byte[SessionPorts.BlockSize];
            switch (tls.ReadByte())
            {
                case SessionPorts.Sink:
                    for (int count; (count = tls.Read(block)) > 0;)
                    {
                        Counters.AddBytes(count);
                    }

                    break;
                case SessionPorts.Source:
                    while (true)
                    {
                        tls.Write(block);
                    }

                case SessionPorts.Echo:
                    for (int count; (count = tls.Read(block)) > 0;)
                    {
                        tls.Write(block.AsSpan(0, count));
                    }

                    break;
            }
        }
        catch (IOException)
        {
            // The near side has had enough.
        }
    }
}
