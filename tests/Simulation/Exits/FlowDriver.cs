using System;
using System.Buffers;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Hosts;

namespace Culvert.Tests.Simulation.Exits;

/// <summary>Uses one flow as the engine does, by a script, and checks what the stack promises of events and bytes.</summary>
internal sealed class FlowDriver
{
    private readonly World _world;
    private readonly StackHarness _harness;
    private readonly ExitScript _script;
    private readonly Randomness _random;
    private readonly SimTimer _reading;
    private readonly bool _opens;
    private bool _accepted;
    private bool _finished;
    private bool _wantsRoom;

    public FlowDriver(World world, StackHarness harness, TcpFlow flow, ExitScript script, bool opens = false)
    {
        _world = world;
        _harness = harness;
        _script = script;
        _random = world.Random.Fork();
        _reading = new SimTimer(world, OnReading);
        Flow = flow;
        _opens = opens;
        flow.Tag = this;
    }

    public TcpFlow Flow { get; }

    public long Read { get; private set; }

    public long Written { get; private set; }

    public bool PeerFinished { get; private set; }

    public TcpCloseReason? Closed { get; private set; }

    public bool IsReleased { get; private set; }

    private bool CanRead => _accepted && (Closed is null or TcpCloseReason.Finished) && !IsReleased;

    private bool CanAct => _accepted && Closed == null && !IsReleased;

    public void OnOpening()
    {
        if (!_script.NeverAnswers)
        {
            _world.After(_script.ConnectDelay, Answer);
        }
    }

    public void OnReadable()
    {
        CheckOpen("TcpReadable");
        World.Check(_accepted, "TcpReadable before Accept");

        if (_script.Echo)
        {
            EchoSome();
        }
        else if (_script.ReadRate == 0 && _script.ReadPause == 0)
        {
            Take(long.MaxValue);
        }
    }

    public void OnWritable()
    {
        CheckOpen("TcpWritable");
        if (_opens && !_accepted)
        {
            OnConnected(); // the first one tells that the connection stands
            return;
        }

        World.Check(_accepted, "TcpWritable before Accept");
        World.Check(_wantsRoom, "TcpWritable though GetMemory had not returned none");
        _wantsRoom = false;
        Write();
        if (_script.Echo)
        {
            EchoSome();
        }
    }

    public void OnClosed()
    {
        CheckOpen("TcpClosed");
        World.Check(Flow.CloseReason != TcpCloseReason.None, "TcpClosed without a reason");
        Closed = Flow.CloseReason;
        if (_accepted && !_script.Echo)
        {
            Verify(Flow.Received); // memory stays valid until Release, also after a reset
        }

        if (Closed == TcpCloseReason.Finished && !PeerFinished)
        {
            return; // both ends are done, but not yet this one with reading
        }

        _reading.Stop();
        ReleaseSoon();
    }

    public void Abort()
    {
        if (CanAct)
        {
            Flow.Abort(_world.Now);
            _harness.Pump();
        }
    }

    private void OnConnected()
    {
        _accepted = true;
        StartReading();
        Write();
    }

    private void CheckOpen(string what)
    {
        World.Check(Closed == null, $"{what} after TcpClosed");
        World.Check(!IsReleased, $"{what} after Release");
    }

    private void Answer()
    {
        if (Closed != null || IsReleased)
        {
            return;
        }

        if (_script.Refusal is Refusal refusal)
        {
            Flow.Refuse(refusal, _world.Now);
            IsReleased = true; // by the contract of Refuse
        }
        else
        {
            Flow.Accept(_world.Now);
            OnConnected();
        }

        _harness.Pump();
    }

    private void StartReading()
    {
        if (_script.ReadRate > 0 || _script.ReadPause > 0)
        {
            _reading.Set(_world.Now + Math.Max(_script.ReadPause, 10_000));
        }
    }

    private void OnReading()
    {
        if (!CanRead)
        {
            return;
        }

        Take(_script.ReadRate == 0 ? long.MaxValue : Math.Max(1, _script.ReadRate / 100));
        if (CanRead && !PeerFinished)
        {
            _reading.Set(_world.Now + 10_000);
        }

        _harness.Pump();
    }

    private void Take(long atMost)
    {
        if (!CanRead || PeerFinished)
        {
            return;
        }

        ReadOnlySequence<byte> bytes = Flow.Received;
        if (bytes.Length > atMost)
        {
            bytes = bytes.Slice(0, atMost);
        }

        Verify(bytes);
        if (!bytes.IsEmpty)
        {
            Read += bytes.Length;
            Flow.Consume(bytes.Length, _world.Now);
        }

        AfterReading();
    }

    private void AfterReading()
    {
        if (Flow.ReceiveFinished && Flow.Received.IsEmpty)
        {
            PeerFinished = true;
            FinishWhenDue();
            if (Closed != null)
            {
                ReleaseSoon();
            }
        }

        AbortWhenDue();
    }

    private void Verify(ReadOnlySequence<byte> bytes)
    {
        long at = Read;
        foreach (ReadOnlyMemory<byte> part in bytes)
        {
            int difference = Pattern.FirstDifference(part.Span, _script.UpSeed, at);
            World.Check(difference < 0, $"byte {at + difference} of the peer's stream is wrong");
            at += part.Length;
        }
    }

    private void Write()
    {
        while (CanAct && !_script.Echo && !_finished && Written < _script.Sends)
        {
            Memory<byte> room = Flow.GetMemory();
            if (room.IsEmpty)
            {
                _wantsRoom = true;
                return;
            }

            World.Check(room.Length <= PacketPool.LargeSize, "more lent than a block");
            int count = (int)Math.Min(Math.Min(room.Length, _script.WriteChunk), _script.Sends - Written);
            Pattern.Fill(room.Span[..count], _script.DownSeed, Written);
            Written += count;
            Flow.Advance(count, _world.Now);
        }

        FinishWhenDue();
        AbortWhenDue();
    }

    private void EchoSome()
    {
        while (CanAct && !_finished && !Flow.Received.IsEmpty)
        {
            Memory<byte> room = Flow.GetMemory();
            if (room.IsEmpty)
            {
                _wantsRoom = true;
                return;
            }

            ReadOnlySequence<byte> some = Flow.Received.Slice(0, Math.Min(room.Length, Flow.Received.Length));
            Verify(some);
            some.CopyTo(room.Span);
            Flow.Advance((int)some.Length, _world.Now);
            Read += some.Length;
            Written += some.Length;
            Flow.Consume(some.Length, _world.Now);
        }

        AfterReading();
    }

    private void FinishWhenDue()
    {
        bool sent = _script.Echo ? PeerFinished : Written >= _script.Sends;
        bool due = sent && (_script.Echo || _script.Finishing == Finishing.AfterSending || (_script.Finishing == Finishing.AfterPeer && PeerFinished));
        if (due && !_finished && CanAct)
        {
            _finished = true;
            Flow.Finish(_world.Now);
        }

        if (_finished && PeerFinished && _script.ReleasesEarly && CanAct)
        {
            Release();
        }
    }

    private void AbortWhenDue()
    {
        if (_script.AbortAfter is long limit && Read + Written >= limit && CanAct)
        {
            Flow.Abort(_world.Now);
        }
    }

    /// <summary>The engine's tasks end some time after the event: memory stays lent meanwhile.</summary>
    private void ReleaseSoon() => _world.After(_random.Between(0, 1_000), () =>
    {
        if (!IsReleased)
        {
            Release();
            _harness.Pump();
        }
    });

    private void Release()
    {
        IsReleased = true;
        Flow.Release(_world.Now);
    }
}
