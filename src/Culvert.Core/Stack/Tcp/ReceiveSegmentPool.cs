using System.Collections.Generic;

namespace Culvert.Core.Stack.Tcp;

/// <summary>Unused nodes, shared by the flows of a stack. Bounded by <see cref="Keep"/>; more are left to the collector.</summary>
internal sealed class ReceiveSegmentPool
{
    private const int Keep = 4096;

    private readonly Stack<ReceiveSegment> _unused = new();

    public ReceiveSegment Rent() => _unused.TryPop(out ReceiveSegment? segment) ? segment : new ReceiveSegment();

    public void Return(ReceiveSegment segment)
    {
        segment.Clear();
        if (_unused.Count < Keep)
        {
            _unused.Push(segment);
        }
    }
}
