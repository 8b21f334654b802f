namespace Culvert.Core.Mdns;

/// <summary>A message to send.</summary>
/// <param name="Message">It, in wire form.</param>
/// <param name="ToAsker">To whoever sent the message that was just received; else to the group.</param>
public readonly record struct MdnsOutgoing(byte[] Message, bool ToAsker);
