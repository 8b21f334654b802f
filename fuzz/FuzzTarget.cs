using System;
using System.Collections.Generic;

namespace Culvert.Fuzz;

/// <summary>Puts an input right again after it was mutated (checksums, lengths), so that it gets deeper; now and then it should not.</summary>
internal delegate void Repair(Span<byte> input, ref FuzzRandom random);

/// <summary>A target in the list of <see cref="TargetList"/>.</summary>
/// <param name="Name">What it is called on the command line.</param>
/// <param name="Description">What is fuzzed, in one line.</param>
/// <param name="Corpus">Valid inputs to mutate; not empty.</param>
/// <param name="Start">Makes a target for one round from the round's seed.</param>
/// <param name="Repair">Puts mutated inputs right; null for none.</param>
internal sealed record FuzzTarget(
    string Name, string Description, Func<IReadOnlyList<byte[]>> Corpus, Func<ulong, IFuzzTarget> Start, Repair? Repair = null);
