using System;
using System.Buffers;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Core.Session;
using Xunit;

namespace Culvert.Tests.Unit.Session;

/// <summary>A device and a gateway in one process, with a wire between them that can be looked at, cut and joined again. Disposing checks that no block is left.</summary>
internal sealed class SessionPair : IDisposable
{
    public static readonly VshpDestination Web = VectorFrame.Destination("192.0.2.7:443");

    private readonly ResumeTable<VshpSession> _table = new(16);
    private byte _ticket;

    public SessionPair(VshpOptions? device = null, VshpOptions? gateway = null, bool connected = true)
    {
        DeviceOptions = device ?? new VshpOptions();
        GatewayOptions = gateway ?? new VshpOptions { Instance = 7 };
        Device = VshpSession.Connect(DeviceOptions, Pool, Now);
        Gateway = null!;
        if (connected)
        {
            Connect();
        }
    }

    public VshpOptions DeviceOptions { get; }

    public VshpOptions GatewayOptions { get; }

    public PacketPool Pool { get; } = new();

    public long Now { get; set; } = 1_000_000;

    public VshpSession Device { get; private set; }

    public VshpSession Gateway { get; private set; }

    /// <summary>What a side has sent in the last <see cref="Carry"/>, frame by frame.</summary>
    public List<byte[]> FromDevice { get; } = [];

    public List<byte[]> FromGateway { get; } = [];

    /// <summary>A ticket that was never used before.</summary>
    public Bytes32 Ticket()
    {
        byte[] bytes = new byte[32];
        bytes[0] = ++_ticket;
        return new Bytes32(bytes);
    }

    /// <summary>The device attaches, the gateway reads its first frame and does what it says; the rest is carried until both are silent.</summary>
    public void Connect()
    {
        Bytes32 fresh = Ticket();
        Device.Attach(fresh, Now);
        byte[] first = Send(Device);
        switch (FirstFrame.Read(first, out FirstFrame frame))
        {
            case FirstFrameKind.Hello:
                Gateway = VshpSession.Accept(GatewayOptions, Pool, frame.Hello, Now);
                Assert.True(_table.TryAdd(frame.Hello.Ticket, "device", Gateway));
                break;
            case FirstFrameKind.Resume:
                Assert.Equal(VshpReason.None, _table.TryTake(frame.Resume, "device", static s => s.HeardSinceAttach, out VshpSession? session));
                Assert.Same(Gateway, session);
                Gateway.Reattach(frame.Resume, Now);
                break;
            case FirstFrameKind other:
                Assert.Fail($"the first frame is {other}");
                break;
        }

        Gateway.Receive(first.AsSpan(frame.Length), Now);
        Carry();
    }

    /// <summary>The gateway's part of a greeting, without any carrying.</summary>
    public void AcceptOnly(in Hello hello) => Gateway = VshpSession.Accept(GatewayOptions, Pool, hello, Now);

    /// <summary>The gateway's part of RESUME, without any carrying.</summary>
    public void ResumeAtGateway(ReadOnlySpan<byte> bytes)
    {
        Assert.Equal(FirstFrameKind.Resume, FirstFrame.Read(bytes, out FirstFrame first));
        Assert.Equal(VshpReason.None, _table.TryTake(first.Resume, "device", static s => s.HeardSinceAttach, out VshpSession? session));
        session!.Reattach(first.Resume, Now);
        session.Receive(bytes[first.Length..], Now);
    }

    /// <summary>The transport dies; what was on the wire is lost.</summary>
    public void Cut()
    {
        Device.Detach(Now);
        Gateway.Detach(Now);
    }

    /// <summary>Carries frames both ways until neither has any.</summary>
    public void Carry()
    {
        FromDevice.Clear();
        FromGateway.Clear();
        bool any = true;
        while (any)
        {
            byte[] up = Send(Device);
            Split(up, FromDevice);
            Gateway.Receive(up, Now);
            byte[] down = Send(Gateway);
            Split(down, FromGateway);
            Device.Receive(down, Now);
            any = up.Length + down.Length > 0;
        }
    }

    /// <summary>What a side has to send now.</summary>
    public byte[] Send(VshpSession session)
    {
        byte[] bytes = session.Transmit(Now).ToArray();
        session.Transmitted(Now);
        return bytes;
    }

    /// <summary>The time goes on, timers run, and what they make is carried.</summary>
    public void Pass(long time)
    {
        long end = Now + time;
        while (Math.Min(Device.NextDeadline, Gateway.NextDeadline) is long next && next <= end)
        {
            Now = Math.Max(Now, next);
            Device.Advance(Now);
            Gateway.Advance(Now);
            Carry();
        }

        Now = end;
    }

    /// <summary>A stream from the device that the gateway has accepted; the gateway's end is its Tag's.</summary>
    public VshpStream OpenAccepted()
    {
        Clear(Device);
        Clear(Gateway);
        VshpStream stream = Device.Open(Web, Now) ?? throw new InvalidOperationException($"not opened: {Device.OpenRefusal}");
        Carry();
        SessionEvent asked = Next(Gateway);
        Assert.Equal(SessionEventKind.Asked, asked.Kind);
        asked.Stream!.Accept();
        stream.Tag = asked.Stream;
        Carry();
        Assert.Equal(SessionEventKind.Opened, Next(Device).Kind);
        return stream;
    }

    public static VshpStream Far(VshpStream stream) => (VshpStream)stream.Tag!;

    public static SessionEvent Next(VshpSession session)
    {
        Assert.True(session.TryNextEvent(out SessionEvent happened), "an event was waited for");
        return happened;
    }

    public static void Clear(VshpSession session)
    {
        while (session.TryNextEvent(out SessionEvent happened))
        {
            happened.Buffer?.Release();
        }
    }

    /// <summary>Writes what fits now; returns how many bytes.</summary>
    public static int Write(VshpStream stream, ReadOnlySpan<byte> bytes)
    {
        int written = 0;
        while (written < bytes.Length)
        {
            Memory<byte> room = stream.GetMemory();
            int count = Math.Min(room.Length, bytes.Length - written);
            if (count == 0)
            {
                break;
            }

            bytes.Slice(written, count).CopyTo(room.Span);
            stream.Advance(count);
            written += count;
        }

        return written;
    }

    /// <summary>Reads all there is.</summary>
    public static byte[] Read(VshpStream stream)
    {
        byte[] bytes = stream.Received.ToArray();
        stream.Consume(bytes.Length);
        return bytes;
    }

    public void Dispose()
    {
        foreach (VshpSession? session in (VshpSession?[])[Device, Gateway])
        {
            if (session is null)
            {
                continue;
            }

            session.End(VshpReason.ShuttingDown, "");
            session.Detach(Now);
            while (session.TryNextEvent(out SessionEvent happened))
            {
                happened.Buffer?.Release();
                happened.Stream?.Release();
                happened.Association?.Release(VshpReason.Cancelled);
                happened.Question?.Release();
            }

            Assert.Equal(0, session.OpenFlows);
        }

        Assert.True(Pool.Outstanding == 0, $"{Pool.Outstanding} blocks are out: {string.Join(", ", Pool.Leaks())}");
    }

    private static void Split(ReadOnlySpan<byte> bytes, List<byte[]> frames)
    {
        while (FrameHeader.TryRead(bytes, out FrameHeader header))
        {
            frames.Add(bytes[..header.FrameLength].ToArray());
            bytes = bytes[header.FrameLength..];
        }

        Assert.True(bytes.IsEmpty, "whole frames are handed out");
    }
}
