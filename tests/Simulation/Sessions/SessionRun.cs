using System;
using Culvert.Core.Packets;
using Culvert.Core.Session;

namespace Culvert.Tests.Simulation.Sessions;

/// <summary>A device and a gateway, the transport between them, and everything that may happen to it.</summary>
internal sealed class SessionRun
{
    private readonly PacketPool _pool = new();
    private readonly ResumeTable<VshpSession> _table = new(4);
    private readonly SessionWire _up = new();
    private readonly SessionWire _down = new();
    private readonly Randomness _random;
    private readonly SessionPlan _plan;
    private readonly VshpOptions _gatewayOptions;
    private byte[] _first = [];
    private bool _greetedHere; // the gateway has read the first frame of this transport
    private bool _stalled;
    private int _tickets;

    public SessionRun(ulong seed, VshpOptions device, VshpOptions gateway, int largestStream)
    {
        _random = new Randomness(seed);
        _plan = new SessionPlan(seed, largestStream);
        _gatewayOptions = gateway;
        Device = new SessionSide(VshpSession.Connect(device, _pool, Now), _plan, _random.Fork(), isDevice: true);
    }

    /// <summary>Streams that the gateway opens.</summary>
    public int GatewayOpens { get; init; }

    public SessionSide Device { get; }

    public SessionSide? Gateway { get; private set; }

    public long Now { get; set; } = 1_000_000;

    public int Cuts { get; private set; }

    public bool IsConnected { get; private set; }

    public bool IsDone => Gateway is not null && Device.IsDone && Gateway.IsDone;

    /// <summary>The largest number of blocks that were out at a time.</summary>
    public int MostBlocks { get; private set; }

    /// <summary>A transport is there; the device speaks first.</summary>
    public void Connect()
    {
        byte[] ticket = new byte[32];
        BitConverter.TryWriteBytes(ticket, ++_tickets);
        Device.Session.Attach(new Bytes32(ticket), Now);
        Device.Reattached();
        Gateway?.Reattached();
        _first = [];
        _greetedHere = false;
        _stalled = false;
        IsConnected = true;
    }

    /// <summary>It is gone, with all that was on it. The gateway may not have noticed.</summary>
    public void Cut(bool noticed = true)
    {
        Cuts++;
        IsConnected = false;
        _up.Cut();
        _down.Cut();
        Device.Session.Detach(Now);
        if (noticed)
        {
            Gateway?.Session.Detach(Now);
        }
        else
        {
            Gateway?.Session.Transmitted(Now); // its socket took the rest, into nowhere
        }
    }

    public bool Take(bool up, int count) => up
        ? _up.Take(Device.Session, count, Now)
        : _greetedHere && _down.Take(Gateway!.Session, count, Now);

    /// <summary>Delivers up to <paramref name="count"/> bytes; returns how many.</summary>
    public int Deliver(bool up, int count)
    {
        ReadOnlySpan<byte> bytes = (up ? _up : _down).Next(count);
        if (bytes.IsEmpty)
        {
            return 0;
        }

        if (!up)
        {
            Device.Session.Receive(bytes, Now);
        }
        else if (_greetedHere)
        {
            Gateway!.Session.Receive(bytes, Now);
        }
        else
        {
            Greet(bytes);
        }

        MostBlocks = Math.Max(MostBlocks, _pool.Outstanding);
        return bytes.Length;
    }

    /// <summary>A step of chance: bytes move, users act, time passes, transports come and go.</summary>
    public void Step(double cutChance, double stallChance)
    {
        if (!IsConnected)
        {
            Now += _random.Below(2_000_000);
            Connect();
        }

        Device.Turn(Now);
        Gateway?.Turn(Now);
        Now += _random.Below(200);
        if (_stalled || _random.Chance(stallChance))
        {
            _stalled = true;
            Now += _random.Below(1_000_000);
        }
        else
        {
            for (int i = 0; i < 2; i++)
            {
                bool up = _random.Below(2) == 0;
                Take(up, Piece());
                Deliver(up, Piece());
                up = !up;
                Take(up, Piece());
                Deliver(up, Piece());
            }
        }

        Device.Session.Advance(Now);
        Gateway?.Session.Advance(Now);
        if (Device.IsSilent || Gateway is { IsSilent: true } || _random.Chance(cutChance))
        {
            Cut(noticed: _random.Below(3) != 0);
        }
    }

    /// <summary>Ends both, and checks that nothing is left.</summary>
    public void Finish()
    {
        foreach (SessionSide side in (SessionSide[])[Device, Gateway!])
        {
            side.Session.End(VshpReason.ShuttingDown, "");
            side.Session.Detach(Now);
            side.Finish();
        }

        if (_pool.Outstanding != 0)
        {
            throw new SimulationFailedException($"{_pool.Outstanding} blocks are out: {string.Join(", ", _pool.Leaks())}");
        }
    }

    private int Piece() => _random.Below(4) == 0 ? 1 + _random.Below(60) : 1 + _random.Below(40_000);

    private void Greet(ReadOnlySpan<byte> bytes)
    {
        _first = [.. _first, .. bytes];
        switch (FirstFrame.Read(_first, out FirstFrame first))
        {
            case FirstFrameKind.Incomplete:
                return;
            case FirstFrameKind.Hello:
                // A device that was cut before it heard the answer says HELLO again; the session before has nobody.
                Gateway?.Session.End(VshpReason.Cancelled, "");
                Gateway?.Session.Detach(Now);
                SessionSide? before = Gateway;
                Gateway = new SessionSide(VshpSession.Accept(_gatewayOptions, _pool, first.Hello, Now), _plan, _random.Fork(), isDevice: false);
                Gateway.ToOpen = before?.ToOpen ?? GatewayOpens;
                Gateway.WantsAssociation = true;
                if (before is not null)
                {
                    _table.Remove(before.Session);
                    before.Finish();
                }

                _table.TryAdd(first.Hello.Ticket, "device", Gateway.Session);
                break;
            case FirstFrameKind.Resume:
                VshpReason reason = _table.TryTake(first.Resume, "device", static s => s.HeardSinceAttach, out VshpSession? session);
                if (reason != VshpReason.None || session != Gateway!.Session)
                {
                    throw new SimulationFailedException($"a ticket was not taken: {reason}");
                }

                session.Reattach(first.Resume, Now);
                break;
            default:
                throw new SimulationFailedException("the device's first frame is none");
        }

        _greetedHere = true;
        Gateway.Session.Receive(_first.AsSpan(first.Length), Now);
    }

}
