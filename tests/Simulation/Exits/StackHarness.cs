using System;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Net;
using Culvert.Tests.Simulation.Wire;

namespace Culvert.Tests.Simulation.Exits;

/// <summary>
/// Drives a stack over the simulated network as the engine drives it over a link: packets in, events to scripts, packets out, timers.
/// Checks on the way what holds whatever the scenario: well-formed packets, deadlines that pass, bounded work.
/// </summary>
internal sealed class StackHarness
{
    /// <summary>Rounds of events, packets and timers at one instant before it counts as a busy loop.</summary>
    private const int MostRounds = 100;

    private readonly World _world;
    private readonly SimTimer _deadline;
    private readonly SimTimer _pump;
    private readonly EgressOracle _oracle = new();
    private readonly byte[] _scratch = new byte[IpStack.HeaderRoom];
    private readonly StackOptions _options;
    private bool _pumping;
    private bool _again;

    public StackHarness(World world, StackOptions options)
    {
        _world = world;
        _options = options;
        byte[] secret = new byte[32];
        Pattern.Fill(secret, world.Random.Next(), 0);
        Stack = new IpStack(options, secret, Pool);
        _deadline = new SimTimer(world, OnDeadline);
        _pump = new SimTimer(world, PumpNow);
    }

    public PacketPool Pool { get; } = new();

    public IpStack Stack { get; }

    public Action<Frame> Output { get; set; } = _ => throw new InvalidOperationException("the stack is not connected");

    /// <summary>The script for the flow; asked once for each TcpOpening.</summary>
    public Func<TcpFlow, ExitScript> Script { get; set; } = _ => new ExitScript();

    /// <summary>What to do with a datagram; the default sends it back.</summary>
    public Action<UdpFlow, IpEndpoint, ReadOnlyMemory<byte>>? OnDatagram { get; set; }

    /// <summary>How echo requests are refused; null answers them.</summary>
    public Refusal? EchoRefusal { get; set; }

    public long EchoDelay { get; set; }

    /// <summary>The loop reads for so long before it looks at events and sends: a loop that is behind.</summary>
    public long PumpDelay { get; set; }

    public List<FlowDriver> Flows { get; } = [];

    public int OpenUdpFlows { get; private set; }

    public void Receive(Frame frame)
    {
        // A link with offloads reads every packet into a large block; one without cannot get more than its MTU.
        PacketBuffer buffer = Pool.Rent(_options.Offloads ? PacketPool.LargeSize : Math.Max(frame.Bytes.Length, 1));
        frame.Bytes.CopyTo(buffer.Array.AsSpan());
        buffer.Length = frame.Bytes.Length;
        buffer.Offload = frame.Offload;
        Stack.Receive(buffer, _world.Now);
        if (PumpDelay == 0)
        {
            PumpNow();
        }
        else if (!_pump.IsSet)
        {
            _pump.Set(_world.Now + PumpDelay);
        }
    }

    /// <summary>Opens a connection from the stack's side.</summary>
    public FlowDriver Connect(IpEndpoint local, IpEndpoint remote, ExitScript script)
    {
        FlowDriver driver = new(_world, this, Stack.Connect(local, remote, _world.Now), script, opens: true);
        Flows.Add(driver);
        Pump();
        return driver;
    }

    /// <summary>Acts on what a call into the stack brought about.</summary>
    public void Pump()
    {
        if (_pumping)
        {
            _again = true;
            return;
        }

        PumpNow();
    }

    /// <summary>At the end of a scenario: everything is given back, and nothing is left to wait for.</summary>
    public void CheckIdle()
    {
        foreach (FlowDriver flow in Flows)
        {
            World.Check(flow.IsReleased, $"a flow from {flow.Flow.Source} is not released");
        }

        World.Check(Pool.Outstanding == 0, $"{Pool.Outstanding} buffers are not given back: {string.Join(", ", Pool.Leaks())}");
        World.Check(Stack.NextDeadline == long.MaxValue, $"a timer is left: {Stack.NextDeadlineReason}");
    }

    private void OnDeadline()
    {
        Stack.Advance(_world.Now);
        PumpNow();
    }

    private void PumpNow()
    {
        _pumping = true;
        for (int round = 0; ; round++)
        {
            World.Check(round < MostRounds, $"the stack stays busy at one instant: {Stack.NextDeadlineReason} at {Stack.NextDeadline - _world.Now:+#;-#;0} µs");
            _again = false;
            bool worked = false;
            for (int count = 0; Stack.TryNextEvent(out StackEvent happened); count++)
            {
                World.Check(count < 100_000, "events without end");
                worked = true;
                Act(happened);
            }

            for (int count = 0; Stack.TryTransmit(_world.Now, _scratch, out OutgoingPacket packet); count++)
            {
                World.Check(count < 100_000, "packets without end");
                worked = true;
                Emit(packet);
            }

            if (Stack.NextDeadline <= _world.Now)
            {
                Stack.Advance(_world.Now);
            }
            else if (!worked && !_again)
            {
                break;
            }
        }

        _pumping = false;
        if (Stack.NextDeadline == long.MaxValue)
        {
            _deadline.Stop();
        }
        else
        {
            _deadline.Set(Stack.NextDeadline);
        }
    }

    private void Emit(in OutgoingPacket packet)
    {
        byte[] bytes = new byte[packet.Length];
        packet.Header.CopyTo(bytes);
        packet.Payload.CopyTo(bytes.AsSpan(packet.Header.Length));
        World.Check(_options.Offloads || packet.Offload == default, "offloads on a link without");
        foreach (Frame frame in Device.Complete(bytes, packet.Offload, _options.Mtu))
        {
            _oracle.Check(frame.Bytes);
            Output(frame);
        }
    }

    private void Act(in StackEvent happened)
    {
        switch (happened.Kind)
        {
            case StackEventKind.TcpOpening:
                FlowDriver driver = new(_world, this, happened.Tcp!, Script(happened.Tcp!));
                Flows.Add(driver);
                driver.OnOpening();
                break;
            case StackEventKind.TcpReadable:
                ((FlowDriver)happened.Tcp!.Tag!).OnReadable();
                break;
            case StackEventKind.TcpWritable:
                ((FlowDriver)happened.Tcp!.Tag!).OnWritable();
                break;
            case StackEventKind.TcpClosed:
                ((FlowDriver)happened.Tcp!.Tag!).OnClosed();
                break;
            case StackEventKind.Datagram:
                if (happened.Udp!.Tag == null)
                {
                    happened.Udp.Tag = this;
                    OpenUdpFlows++;
                }

                if (OnDatagram == null)
                {
                    happened.Udp.Send(happened.Destination, happened.Buffer!.Span, _world.Now);
                }
                else
                {
                    OnDatagram(happened.Udp, happened.Destination, happened.Buffer!.Memory);
                }

                happened.Buffer!.Release();
                break;
            case StackEventKind.UdpClosed:
                OpenUdpFlows--;
                break;
            case StackEventKind.EchoRequest:
                PacketBuffer request = happened.Buffer!;
                _world.After(EchoDelay, () => AnswerEcho(request));
                break;
            default:
                throw new SimulationFailedException($"an event of kind {happened.Kind}");
        }
    }

    private void AnswerEcho(PacketBuffer request)
    {
        if (EchoRefusal is Refusal refusal)
        {
            Stack.RefuseEcho(request, refusal, _world.Now);
        }
        else
        {
            Stack.ReplyEcho(request, _world.Now);
        }

        Pump();
    }
}
