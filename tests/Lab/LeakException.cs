using System;

namespace Culvert.Tests.Lab;

/// <summary>Something left the client that should not have, or the oracle cannot vouch for it.</summary>
public sealed class LeakException(string message) : Exception(message);
