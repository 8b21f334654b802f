using System;
using System.Buffers.Binary;
using System.Text;
using Culvert.Core;

namespace Culvert.Platform.Channel;

/// <summary>What the engine and the helper say to each other.</summary>
internal enum HelperMessageKind : byte
{
    /// <summary>Engine: the link is being read, execute the command.</summary>
    Go = 1,

    /// <summary>Helper: the link is up; its descriptor comes along.</summary>
    Ready = 2,

    /// <summary>Helper: it did not work; nothing has been executed.</summary>
    Failed = 3,

    /// <summary>Helper: the command could not be executed.</summary>
    NotExecuted = 4,

    /// <summary>Engine: make a link for a tunnel of this name.</summary>
    Open = 5,

    /// <summary>Engine: the network shall be like the <see cref="TunnelState"/> that stands in place of this message's other parts.</summary>
    Set = 6,

    /// <summary>Helper: the network is so.</summary>
    Applied = 7,

    /// <summary>Engine: give everything back, the kill switch included.</summary>
    GiveBack = 8,

    /// <summary>Helper: all is given back; a line for each thing that could not be.</summary>
    Undone = 9,

    /// <summary>Helper, before <see cref="Ready"/>: a further queue of the link; its descriptor comes along.</summary>
    Queue = 10,

    /// <summary>Helper, before <see cref="Ready"/>: what the leak guard belongs to; its descriptor comes along. The guard is there for as long as anybody has a copy.</summary>
    Guard = 11,
}

/// <summary>
/// One message of the helper's channel: a kind, a flag, a number and text, in that order (1, 1, 4 bytes little-endian, UTF-8). The
/// channel keeps message boundaries.
/// </summary>
/// <param name="Kind">Which message it is.</param>
/// <param name="Text">Ready: the link's name, and a line for each thing that could not be had. Failed: the sentence. Open: the link's name. Applied, Undone: lines.</param>
/// <param name="Number">Ready: the MTU. Open: the MTU, and <see cref="MoreQueues"/> for each queue beyond the first. Failed: the <see cref="FailureKind"/>. NotExecuted: the error of execve.</param>
/// <param name="Flag">Ready, Open: the link has offloads.</param>
internal readonly record struct HelperMessage(HelperMessageKind Kind, string Text = "", int Number = 0, bool Flag = false)
{
    /// <summary>Largest message in bytes; longer texts are cut.</summary>
    public const int MaximumSize = 4096;

    /// <summary>What a further queue of the link adds to the number of <see cref="HelperMessageKind.Open"/>: more than any MTU.</summary>
    public const int MoreQueues = 1 << 16;

    private const int TextOffset = 6;

    /// <summary>Writes the message and returns its length.</summary>
    public int Write(Span<byte> buffer)
    {
        buffer[0] = (byte)Kind;
        buffer[1] = Flag ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32LittleEndian(buffer[2..], Number);
        Encoding.UTF8.TryGetBytes(Text.AsSpan(0, Math.Min(Text.Length, (MaximumSize - TextOffset) / 3)), buffer[TextOffset..], out int text);
        return TextOffset + text;
    }

    /// <summary>Reads a message; false for what the other side never says.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out HelperMessage message)
    {
        message = default;
        if (bytes.Length < TextOffset || bytes[0] is < (byte)HelperMessageKind.Go or > (byte)HelperMessageKind.Guard or (byte)HelperMessageKind.Set)
        {
            return false;
        }

        message = new HelperMessage(
            (HelperMessageKind)bytes[0],
            Encoding.UTF8.GetString(bytes[TextOffset..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[2..]),
            bytes[1] != 0);
        return true;
    }
}
