using Culvert.Core.Packets;

namespace Culvert.Tests.Simulation.Net;

/// <summary>One IP packet on the simulated network, with what its device left undone (a super-segment, a partial checksum).</summary>
internal sealed record Frame(byte[] Bytes, PacketOffload Offload = default);
