namespace Culvert.Core.Stack.Tcp;

/// <summary>Sequence numbers from <paramref name="Start"/> up to, not including, <paramref name="End"/>.</summary>
internal readonly record struct SeqRange(uint Start, uint End)
{
    public int Length => Seq.Distance(Start, End);

    public bool IsEmpty => Start == End;
}
