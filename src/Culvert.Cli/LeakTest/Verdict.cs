namespace Culvert.Cli.LeakTest;

/// <summary>What a test for leaks found out about one sort of traffic.</summary>
/// <param name="Holds">Nothing of it leaves beside the tunnel.</param>
/// <param name="Subject">Which traffic.</param>
/// <param name="How">How that is known.</param>
internal sealed record Verdict(bool Holds, string Subject, string How);
