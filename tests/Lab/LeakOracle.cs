using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Runtime.InteropServices;
using System.Threading;
using Culvert.Tests.Lab.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Tests.Lab;

/// <summary>
/// Hears every packet that leaves the client, at the router's interface that faces it, and says whether all of them went where they may.
/// A packet socket with its own thread; frames that the socket had to drop make the verdict fail, never pass.
/// </summary>
public sealed class LeakOracle : IDisposable
{
    private const int PacketFamily = 17;
    private const int RawType = 3;
    private const int PacketLevel = 263;
    private const int IgnoreOutgoing = 23;
    private const int Statistics = 6;
    private const int SocketLevel = 1;
    private const int ReceiveBufferForce = 33;
    private const int ReceiveTimeout = 20;
    private const int TruncatedLength = 0x20;
    private const int MarkerPort = 65000;

    // What may wait for the thread on a machine that is busy, in bytes of the kernel's; a frame of a bulk transfer counts with all of its 64 KiB.
    private const int Backlog = 512 * 1024 * 1024;

    private readonly LabNetwork _network;
    private readonly SafeFileHandle _socket;
    private readonly Thread _thread;
    private readonly Lock _lock = new();
    private readonly Dictionary<SentPacket, long> _seen = [];
    private readonly SafeFileHandle _marker;
    private volatile bool _stopping;
    private volatile int _markerSeen;
    private int _markerSent;

    /// <summary>Starts listening.</summary>
    public LeakOracle(LabNetwork network)
    {
        _network = network;
        _socket = network.Router.Enter(Open);
        _marker = network.Client.Enter(OpenMarker);
        _thread = new Thread(Listen) { IsBackground = true, Name = "leak oracle" };
        _thread.Start();
    }

    /// <summary>Forgets everything heard so far.</summary>
    public void Reset()
    {
        Synchronise();
        lock (_lock)
        {
            _seen.Clear();
        }
    }

    /// <summary>All that left the client since the last <see cref="Reset"/>, except for the noise of <see cref="SentPacket.IsNoise"/>.</summary>
    public IReadOnlyDictionary<SentPacket, long> Heard()
    {
        Synchronise();
        lock (_lock)
        {
            return _seen.Where(entry => !entry.Key.IsNoise).ToDictionary();
        }
    }

    /// <summary>Throws <see cref="LeakException"/> when a packet left the client that <paramref name="allowed"/> does not accept; otherwise returns what was heard.</summary>
    public IReadOnlyDictionary<SentPacket, long> Verify(string rule, Func<SentPacket, bool> allowed)
    {
        IReadOnlyDictionary<SentPacket, long> heard = Heard();
        List<string> leaks = [.. heard.Where(entry => !allowed(entry.Key)).Select(entry => $"{entry.Value} x {entry.Key}")];
        return leaks.Count == 0 ? heard : throw new LeakException($"Left the client although the rule is '{rule}':\n  " + string.Join("\n  ", leaks));
    }

    /// <summary>Only the exit at <paramref name="address"/> and <paramref name="port"/> may have been spoken to, by TCP (and by UDP, to any port of it, where <paramref name="datagrams"/>).</summary>
    public IReadOnlyDictionary<SentPacket, long> VerifyOnlyTo(IPAddress address, int port, bool datagrams = false) => Verify(
        $"only to {address} port {port}{(datagrams ? " or its UDP relay" : "")}",
        packet => address.Equals(packet.Destination) && ((packet.Protocol == 6 && packet.Port == port) || (datagrams && packet.Protocol == 17)));

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping = true;
        _thread.Join();
        _socket.Dispose();
        _marker.Dispose();
    }

    private static SafeFileHandle Open()
    {
        // Protocol 0: no frames before the bind names the interface.
        SafeFileHandle socket = Native.Socket(PacketFamily, RawType, 0);
        Native.SetOption(socket, PacketLevel, IgnoreOutgoing, [1, 0, 0, 0]);
        Native.SetOption(socket, SocketLevel, ReceiveBufferForce, BitConverter.GetBytes(Backlog));
        byte[] timeout = new byte[16];
        BitConverter.TryWriteBytes(timeout.AsSpan(8), 50_000L);
        Native.SetOption(socket, SocketLevel, ReceiveTimeout, timeout);
        byte[] address = new byte[20];
        BitConverter.TryWriteBytes(address, (short)PacketFamily);
        address[3] = 3; // ETH_P_ALL in network order
        BitConverter.TryWriteBytes(address.AsSpan(4), Native.IndexOf(LabNetwork.ClientFacing));
        Native.Bind(socket, address);
        return socket;
    }

    /// <summary>Has the client send a marker and waits until it is heard: then everything that left before it has been heard as well.</summary>
    private void Synchronise()
    {
        int number = ++_markerSent;
        Until.True(
            () =>
            {
                SendMarker(number);
                return _markerSeen >= number;
            },
            "the oracle to hear its own marker");
        uint[] statistics = new uint[2];
        Native.GetOption(_socket, PacketLevel, Statistics, MemoryMarshal.AsBytes(statistics.AsSpan()));
        if (statistics[1] != 0)
        {
            throw new LeakException($"The oracle could not keep up: {statistics[1]} frames were not heard.");
        }
    }

    /// <summary>A packet socket of the client: what it sends asks neither routes nor the firewall of a client that guards itself.</summary>
    private static SafeFileHandle OpenMarker()
    {
        SafeFileHandle socket = Native.Socket(PacketFamily, RawType, 0);
        byte[] address = new byte[20];
        BitConverter.TryWriteBytes(address, (short)PacketFamily);
        BitConverter.TryWriteBytes(address.AsSpan(4), Native.IndexOf("eth0"));
        Native.Bind(socket, address);
        return socket;
    }

    private unsafe void SendMarker(int number)
    {
        Span<byte> frame = stackalloc byte[60];
        frame.Clear();
        frame[..6].Fill(0xFF);
        frame[12] = 0x08;
        frame[14] = 0x45;
        frame[17] = 32;
        frame[22] = 1;
        frame[23] = 17;
        _network.Client.V4.TryWriteBytes(frame[26..], out _);
        _network.Router.V4.TryWriteBytes(frame[30..], out _);
        BinaryPrimitives.WriteUInt16BigEndian(frame[36..], MarkerPort);
        frame[39] = 12;
        BitConverter.TryWriteBytes(frame[42..], number);
        fixed (byte* bytes = frame)
        {
            _ = Native.Write(_marker, bytes, frame.Length); // repeated until it is heard
        }
    }

    private unsafe void Listen()
    {
        byte* buffer = stackalloc byte[192];
        while (!_stopping)
        {
            nint count = Native.Receive(_socket, buffer, 192, TruncatedLength);
            if (count <= 0)
            {
                continue;
            }

            ReadOnlySpan<byte> frame = new(buffer, (int)Math.Min(count, 192));
            SentPacket packet = SentPacket.Parse(frame);
            if (packet.Protocol == 17 && packet.Port == MarkerPort && _network.Router.V4.Equals(packet.Destination))
            {
                _markerSeen = Math.Max(_markerSeen, BitConverter.ToInt32(frame.Slice(42, 4)));
                continue;
            }

            lock (_lock)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(_seen, packet, out _)++;
            }
        }
    }
}
