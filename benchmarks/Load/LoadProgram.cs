using System;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Sockets;
using Culvert.Bench.Load.Sessions;

namespace Culvert.Bench.Load;

/// <summary>
/// The bench's other self, run inside a namespace or a tunnel: <c>--load server</c>, <c>--load client CONGESTION [PROXY]</c>, <c>--load socks ADDRESS:PORT</c>,
/// or the two ends of sessions: <c>--load session-far ADDRESS</c>, <c>--load session-near ADDRESS</c>.
/// Takes a line of orders from its standard input at a time and answers each with a line: <c>= result</c>, or <c>! what failed</c>. Ends when its input does,
/// so it never outlives the bench.
/// </summary>
internal static class LoadProgram
{
    /// <summary>What a good answer begins with.</summary>
    internal const string Good = "= ";

    /// <summary>What a bad answer begins with.</summary>
    internal const string Bad = "! ";

    /// <summary>Runs one of them to its end.</summary>
    internal static int Run(ReadOnlySpan<string> arguments)
    {
        LoadClient? client = null;
        Func<string[], string>? session = null;
        switch (arguments[0])
        {
            case "server":
                LoadServer.Start();
                break;
            case "socks":
                SocksServer.Start(IPEndPoint.Parse(arguments[1]));
                break;
            case "session-far":
                session = new SessionFar(IPAddress.Parse(arguments[1])).Obey;
                break;
            case "session-near":
                session = new SessionNear(IPAddress.Parse(arguments[1])).Obey;
                break;
            default:
                client = new LoadClient(new Reach(arguments[1], arguments.Length > 2 ? IPEndPoint.Parse(arguments[2]) : null));
                break;
        }

        TextWriter output = Console.Out;
        output.WriteLine(Good + "ready");
        while (Console.In.ReadLine() is { } line)
        {
            try
            {
                output.WriteLine(Good + Obey(client, session, line.Split(' ')));
            }
            catch (Exception exception) when (exception is SocketException or ReachException)
            {
                output.WriteLine(Bad + exception.Message);
            }
        }

        return 0;
    }

    private static string Obey(LoadClient? client, Func<string[], string>? session, string[] order)
    {
        switch (order[0], client)
        {
            case ("count", _):
                return Counters.Now.ToString();
            case (_, null) when session is not null:
                return session(order);
            case ("release", null):
                LoadServer.Release();
                return "";
            case ("target", { } load):
                load.Target = IPAddress.Parse(order[1]);
                return "";
            case ("bulk", { } load):
                load.StartBulk(order[1] == "up", Whole(2));
                return "";
            case ("stall", { } load):
                load.StartStalled(Whole(1));
                return "";
            case ("flood", { } load):
                load.StartFlood(Whole(1));
                return "";
            case ("stop", { } load):
                load.Stop();
                return "";
            case ("connections", { } load):
                return load.Connections(Whole(1), Real(2)).ToString();
            case ("requests", { } load):
                return load.Requests(Whole(1), Real(2)).ToString();
            case ("pages", { } load):
                return load.Pages(Real(1)).ToString();
            case ("hold", { } load):
                load.Hold(Whole(1));
                return "";
            default:
                throw new ReachException($"unknown order '{order[0]}'");
        }

        int Whole(int index) => int.Parse(order[index], CultureInfo.InvariantCulture);
        double Real(int index) => double.Parse(order[index], CultureInfo.InvariantCulture);
    }
}
