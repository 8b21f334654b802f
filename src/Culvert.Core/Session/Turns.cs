namespace Culvert.Core.Session;

/// <summary>
/// Whose turn it is to send: deficit round robin, with the streams that were silent first, for one turn (as FQ-CoDel has its new flows, RFC 8290 section 4.1.1). So a
/// keystroke passes any number of bulk transfers, and one that has more to say than a first turn takes waits with the others.
/// </summary>
internal sealed class Turns
{
    /// <summary>Bytes of a turn.</summary>
    public const int Quantum = MaxData;

    /// <summary>Bytes of the turn of one that was silent: enough for a keystroke or a request, and little where many begin at once.</summary>
    public const int FirstTurn = 2 << 10;

    /// <summary>Bytes of DATA in a frame: with its header it is as long as a record of TLS, so that a transport of them cuts none in two.</summary>
    public const int MaxData = (16 << 10) - FrameHeader.Size;

    private Line _sparse;
    private Line _bulk;

    private struct Line
    {
        public VshpStream? First;
        private VshpStream? _last;

        public void Add(VshpStream stream)
        {
            if (First is null)
            {
                First = stream;
            }
            else
            {
                _last!.NextTurn = stream;
            }

            _last = stream;
        }

        public void RemoveFirst()
        {
            VshpStream first = First!;
            First = first.NextTurn;
            first.NextTurn = null;
        }
    }

    /// <summary>The stream has something to send.</summary>
    public void Add(VshpStream stream)
    {
        if (stream.Line != TurnLine.None)
        {
            return;
        }

        if (stream.WasBlocked)
        {
            stream.WasBlocked = false;
            Put(stream, TurnLine.Bulk);
        }
        else
        {
            stream.Deficit = FirstTurn;
            Put(stream, TurnLine.Sparse);
        }
    }

    /// <summary>Whose turn it is; null for nobody's. What it then sends is to be taken off its deficit.</summary>
    public VshpStream? Next()
    {
        while (true)
        {
            ref Line line = ref _sparse.First is null ? ref _bulk : ref _sparse;
            if (line.First is not { } stream)
            {
                return null;
            }

            if (stream.CanSend && stream.Deficit > 0)
            {
                return stream;
            }

            line.RemoveFirst();
            stream.Line = TurnLine.None;
            if (stream.CanSend)
            {
                stream.Deficit += Quantum;
                Put(stream, TurnLine.Bulk);
            }
            else
            {
                stream.WasBlocked = stream.IsBlocked;
            }
        }
    }

    private void Put(VshpStream stream, TurnLine line)
    {
        stream.Line = line;
        if (line == TurnLine.Sparse)
        {
            _sparse.Add(stream);
        }
        else
        {
            _bulk.Add(stream);
        }
    }
}
