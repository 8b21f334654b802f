using System;

namespace Culvert.Bench.Running;

/// <summary>Something could not be measured: the sentence says why, and stands in the report.</summary>
internal sealed class BenchException(string message) : Exception(message);
