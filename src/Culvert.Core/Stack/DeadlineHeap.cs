using System;

namespace Culvert.Core.Stack;

/// <summary>
/// The TCP flows that wait for a time, the earliest first: a heap of four children a node, in which every flow knows its place, so that moving a
/// deadline costs a few comparisons whatever the number of flows.
/// </summary>
internal sealed class DeadlineHeap
{
    private TcpFlow?[] _flows = new TcpFlow?[64];
    private int _count;

    /// <summary>The flow whose deadline is next, or null.</summary>
    public TcpFlow? First => _flows[0];

    /// <summary>Puts the flow where its <see cref="TcpFlow.Deadline"/> belongs; long.MaxValue takes it out.</summary>
    public void Update(TcpFlow flow)
    {
        if (flow.HeapIndex < 0)
        {
            if (flow.Deadline == long.MaxValue)
            {
                return;
            }

            if (_count == _flows.Length)
            {
                Array.Resize(ref _flows, _count * 2);
            }

            Place(_count++, flow);
            Rise(flow);
            return;
        }

        if (flow.Deadline == long.MaxValue)
        {
            Remove(flow);
            return;
        }

        Rise(flow);
        Sink(flow);
    }

    private void Remove(TcpFlow flow)
    {
        int hole = flow.HeapIndex;
        TcpFlow last = _flows[--_count]!;
        _flows[_count] = null;
        flow.HeapIndex = -1;
        if (last != flow)
        {
            Place(hole, last);
            Rise(last);
            Sink(last);
        }
    }

    private void Place(int index, TcpFlow flow)
    {
        _flows[index] = flow;
        flow.HeapIndex = index;
    }

    private void Rise(TcpFlow flow)
    {
        int index = flow.HeapIndex;
        while (index > 0)
        {
            int parent = (index - 1) / 4;
            TcpFlow above = _flows[parent]!;
            if (above.Deadline <= flow.Deadline)
            {
                break;
            }

            Place(index, above);
            index = parent;
        }

        Place(index, flow);
    }

    private void Sink(TcpFlow flow)
    {
        int index = flow.HeapIndex;
        while (true)
        {
            int least = -1;
            long deadline = flow.Deadline;
            int end = Math.Min((index * 4) + 5, _count);
            for (int child = (index * 4) + 1; child < end; child++)
            {
                if (_flows[child]!.Deadline < deadline)
                {
                    deadline = _flows[child]!.Deadline;
                    least = child;
                }
            }

            if (least < 0)
            {
                break;
            }

            Place(index, _flows[least]!);
            index = least;
        }

        Place(index, flow);
    }
}
