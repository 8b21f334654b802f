using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using Culvert.Cli.Doctor;
using Xunit;

namespace Culvert.Tests.Unit.Doctor;

public sealed class ExaminationTests
{
    private static readonly Machine Healthy = new()
    {
        DefaultInterface = "eth0",
        Resolvers = [IPAddress.Parse("203.0.113.53")],
        Now = new DateTimeOffset(2026, 11, 20, 0, 0, 0, TimeSpan.Zero),
        Built = new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero),
        HasV6Address = true,
        HasV6Route = true,
        Sizes = [new(1280, SizeOutcome.Answered), new(1500, SizeOutcome.Answered)],
    };

    public static TheoryData<string, string, string> Ailments => new()
    {
        { "no-tun", "TUN", "modprobe tun" },
        { "closed-tun", "TUN", "chmod 666" },
        { "no-userns", "user namespaces", "max_user_namespaces" },
        { "debian-userns", "user namespaces", "unprivileged_userns_clone=1" },
        { "apparmor", "user namespaces", "apparmor_restrict_unprivileged_userns=0" },
        { "no-sudo", "privileges", "root" },
        { "no-nft", "leak guard", "nftables" },
        { "stale", "leftovers", "culvert cleanup" },
        { "offline", "network", "connect" },
        { "vpn", "other VPNs", "end it first" },
        { "rp", "rp_filter", "net.ipv4.conf.eth0.rp_filter=2" },
        { "loop", "names", "--dns" },
        { "no-names", "names", "--dns" },
        { "past", "clock", "timedatectl" },
        { "drift", "clock", "timedatectl" },
        { "half-v6", "IPv6", "--ipv6 block" },
        { "other-half-v6", "IPv6", "--ipv6 block" },
        { "dead-v6", "IPv6", "--ipv6 block" },
        { "hole", "MTU", "mtu 1400" },
    };

    [Fact]
    public void AHealthyMachineHasNothingToMend()
    {
        IReadOnlyList<Finding> findings = Examination.Of(Healthy);
        Assert.All(findings, static f => Assert.Equal(Severity.Fine, f.Severity));
        Assert.Equal(findings.Count, findings.Select(static f => f.Subject).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Ailments))]
    public void EveryAilmentIsFoundAloneAndHasItsFix(string ailment, string subject, string fix)
    {
        Machine ill = ailment switch
        {
            "no-tun" => Healthy with { TunExists = false },
            "closed-tun" => Healthy with { TunTrouble = "permission denied" },
            "no-userns" => With("user/max_user_namespaces", "0"),
            "debian-userns" => With("kernel/unprivileged_userns_clone", "0"),
            "apparmor" => With("kernel/apparmor_restrict_unprivileged_userns", "1"),
            "no-sudo" => Healthy with { CanElevate = false },
            "no-nft" => Healthy with { HasFirewall = false },
            "stale" => Healthy with { Journals = ["culvert0", "culvert-a"], Running = ["culvert-a"] },
            "offline" => Healthy with { DefaultInterface = null },
            "vpn" => Healthy with { OtherVpns = ["tun0"] },
            "rp" => With("net/ipv4/conf/eth0/rp_filter", "1"),
            "loop" => Healthy with { Resolvers = [IPAddress.Parse("127.0.0.53")] },
            "no-names" => Healthy with { Resolvers = [] },
            "past" => Healthy with { Now = Healthy.Built.AddYears(-3) },
            "drift" => Healthy with { ClockFollows = false },
            "half-v6" => Healthy with { HasV6Route = false },
            "other-half-v6" => Healthy with { HasV6Address = false },
            "dead-v6" => Healthy with { V6Answers = false },
            "hole" => Healthy with { Sizes = [new(1280, SizeOutcome.Answered), new(1400, SizeOutcome.Answered), new(1500, SizeOutcome.Silence)] },
            _ => throw new ArgumentOutOfRangeException(nameof(ailment)),
        };
        Finding finding = Assert.Single(Examination.Of(ill), static f => f.Severity > Severity.Fine);
        Assert.Equal(subject, finding.Subject);
        Assert.Contains(fix, finding.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public void AResolverOnThisMachineIsNoLoopWhereItSaysWhomItAsks() => Assert.All(
        Examination.Of(Healthy with { Resolvers = [IPAddress.Parse("127.0.0.53")], Uplinks = [IPAddress.Parse("192.0.2.1")] }),
        static f => Assert.Equal(Severity.Fine, f.Severity));

    [Fact]
    public void APathThatSaysWhatIsTooBigIsNoHole() => Assert.All(
        Examination.Of(Healthy with { Sizes = [new(1280, SizeOutcome.Answered), new(1500, SizeOutcome.TooBig)] }),
        static f => Assert.Equal(Severity.Fine, f.Severity));

    private static Machine With(string setting, string value) => Healthy with { Settings = new Dictionary<string, string> { [setting] = value } };
}
