using System;

namespace Culvert.Fuzz;

/// <summary>
/// Something that takes bytes from the network and must not mind them. One is made for every round of inputs, so that a round can be
/// replayed from its seed. Any exception is a failure.
/// </summary>
internal interface IFuzzTarget
{
    /// <summary>Takes one input and checks what must hold after it, by <see cref="Expect"/>.</summary>
    void Run(ReadOnlySpan<byte> input);

    /// <summary>The round is over: gives everything back and checks that nothing is left.</summary>
    void Finish();
}
