using System;

namespace Culvert.Tests.Simulation;

/// <summary>A rule was broken in a simulation; the message says which, and how to see it again.</summary>
internal sealed class SimulationFailedException(string message, Exception? inner = null) : Exception(message, inner);
