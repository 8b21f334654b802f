using System;

namespace Culvert.Bench.Load;

/// <summary>The load could not do its work: the sentence says what failed.</summary>
internal sealed class ReachException(string message) : Exception(message);
