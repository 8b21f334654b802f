using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Threading;
using Culvert.Tests.Lab.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Tests.Lab;

/// <summary>
/// One host of the lab: a network namespace with a name, addresses and a resolver of its own. Commands run in it; sockets of the
/// test process are made in it.
/// </summary>
public sealed class Host
{
    private readonly LabNetwork _network;

    internal Host(LabNetwork network, string name, string space, IPAddress v4, IPAddress v6)
    {
        _network = network;
        Name = name;
        Namespace = space;
        V4 = v4;
        V6 = v6;
    }

    /// <summary>The host's role: client, lan, router, exit or internet.</summary>
    public string Name { get; }

    /// <summary>The namespace's name, for <c>ip netns</c>.</summary>
    public string Namespace { get; }

    /// <summary>The host's own IPv4 address.</summary>
    public IPAddress V4 { get; }

    /// <summary>The host's own IPv6 address.</summary>
    public IPAddress V6 { get; }

    /// <summary>The mount namespace that commands enter; null: what the test itself sees, but for the resolver.</summary>
    internal string? Mounts { get; set; }

    /// <summary>Runs a command to its end; a command that is still there after <paramref name="options"/>'s time-out is killed and fails the test.</summary>
    public CommandResult Run(IReadOnlyList<string> command, CommandOptions? options = null)
    {
        using Command started = Start(command, options);
        return started.Wait();
    }

    /// <summary>Runs a line of bash to its end.</summary>
    public CommandResult Shell(string line, CommandOptions? options = null) => Run(["bash", "-c", line], options);

    /// <summary>Starts a command and returns at once; disposing kills it and what it left in its process group.</summary>
    public Command Start(IReadOnlyList<string> command, CommandOptions? options = null)
    {
        // The tests may run where the keys' signals are ignored (a background job); what they start must not inherit that.
        options ??= new CommandOptions();
        string[] mounts = Mounts is null ? [] : ["nsenter", $"--mount={Mounts}"];
        string[] inside = ["ip", "netns", "exec", Namespace, .. mounts, "env", $"--chdir={options.Directory ?? _network.Work}", "--default-signal=INT,QUIT", .. command];
        return new Command(inside, _network, options);
    }

    /// <summary>Runs <paramref name="make"/> on a thread inside this host's network: sockets made there belong to the host wherever they are used later.</summary>
    public T Enter<T>(Func<T> make)
    {
        T? made = default;
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                using SafeFileHandle space = Native.Open($"/run/netns/{Namespace}", 0);
                Native.EnterNetwork(space);
                made = make();
            }
#pragma warning disable CA1031 // carried to the caller's thread
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return made!;
    }

    /// <summary>A socket of this host.</summary>
    public Socket NewSocket(AddressFamily family, SocketType type, ProtocolType protocol) => Enter(() => new Socket(family, type, protocol));

    /// <summary>A TCP listener of this host, on both families when <paramref name="address"/> is null.</summary>
    public Socket Listen(int port, IPAddress? address = null) => Enter(() =>
    {
        Socket socket = new(address?.AddressFamily ?? AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        if (address is null)
        {
            socket.DualMode = true;
        }

        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(new IPEndPoint(address ?? IPAddress.IPv6Any, port));
        socket.Listen(1024);
        return socket;
    });

    /// <summary>Waits until something listens on a TCP port of this host (read from the kernel's table; nothing is connected to it).</summary>
    public void WaitForListener(int port, Command? owner = null, TimeSpan? limit = null)
    {
        string hex = $":{port:X4}";
        Until.True(
            () =>
            {
                owner?.ThrowIfEnded();
                return Enter(() => Listens("/proc/thread-self/net/tcp", hex) || Listens("/proc/thread-self/net/tcp6", hex));
            },
            $"a listener on port {port} of {Name}",
            limit);
    }

    /// <summary>The command line of <c>ip</c> for this host, run to its end; throws when it fails.</summary>
    public string Ip(string arguments) => LabNetwork.System($"ip -n {Namespace} {arguments}");

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static bool Listens(string table, string port)
    {
        foreach (string line in File.ReadLines(table))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 3 && fields[1].EndsWith(port, StringComparison.Ordinal) && fields[3] == "0A")
            {
                return true;
            }
        }

        return false;
    }
}
