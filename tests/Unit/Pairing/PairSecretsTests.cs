using System.Linq;
using System.Text;
using Culvert.Core.Packets;
using Culvert.Core.Session;
using Xunit;

namespace Culvert.Tests.Unit.Pairing;

public sealed class PairSecretsTests
{
    private const long Second = 1_000_000;

    private static readonly IpAddr Here = IpAddr.FromV4(0xC0000201);
    private static readonly IpAddr There = IpAddr.FromV4(0xC0000202);
    private static readonly PairTranscript Transcript = new(default, default, default, default, "laptop", "home");

    private readonly PairSecrets _secrets = new(PairLimits.Default);

    [Fact]
    public void BothFormsAreTaken()
    {
        Open("uri", "code");
        Assert.Equal(VshpReason.None, Check("uri", 0, out string known));
        Assert.Equal("uri", known);
        Assert.Equal(VshpReason.None, Check("code", 0, out known));
        Assert.Equal("code", known);
        Assert.Equal(VshpReason.PairingSecret, Check("guess", 0, out known));
        Assert.Equal("", known);
    }

    [Fact]
    public void NothingIsTakenWhereNothingIsShown()
    {
        Assert.Equal(VshpReason.PairingExpired, _secrets.TryBegin(Here, 0));
        Assert.Equal(VshpReason.PairingExpired, Check("", 0, out _));
    }

    [Fact]
    public void ASecretIsVoidAfterItsTime()
    {
        Open("code");
        Assert.Equal(VshpReason.None, _secrets.TryBegin(Here, (600 * Second) - 1));
        Assert.Equal(VshpReason.None, Check("code", (600 * Second) - 1, out _));
        Assert.Equal(VshpReason.PairingExpired, Check("code", 600 * Second, out _));
        Assert.Equal(VshpReason.PairingExpired, _secrets.TryBegin(Here, 600 * Second));
    }

    [Fact]
    public void WhoComesWithAnOldSecretHearsSo()
    {
        Open("first");
        _secrets.Close();
        Assert.False(_secrets.IsOpen(0));
        Open("second");
        Assert.Equal(VshpReason.PairingExpired, Check("first", 0, out _));
        Assert.Equal(VshpReason.PairingSecret, Check("guess", 0, out _));
        for (int i = 0; i < 20; i++)
        {
            Open($"next {i}");
        }

        Assert.Equal(VshpReason.PairingSecret, Check("first", 0, out _)); // they are not known for ever
    }

    [Fact]
    public void FiveFailuresMakeItVoid()
    {
        Open("code");
        foreach (int i in Enumerable.Range(0, 5))
        {
            Assert.True(_secrets.IsOpen(0));
            Try(IpAddr.FromV4((uint)i), failed: true);
        }

        Assert.Equal(VshpReason.PairingExpired, _secrets.TryBegin(Here, 0));
        Assert.Equal(VshpReason.PairingExpired, Check("code", 0, out _));
    }

    [Fact]
    public void OneAddressAloneCannotMakeItVoid()
    {
        Open("code");
        foreach (int i in Enumerable.Range(0, 3))
        {
            Try(Here, failed: true);
        }

        Assert.Equal(VshpReason.LimitReached, _secrets.TryBegin(Here, 0));
        Assert.Equal(VshpReason.None, _secrets.TryBegin(There, 0));
        Open("next");
        Assert.Equal(VshpReason.None, _secrets.TryBegin(Here, 0));
    }

    [Fact]
    public void OneCustomersAddressesAreOne()
    {
        Open("code");
        foreach (int i in Enumerable.Range(0, 3))
        {
            Try(V6($"2001:db8:1:2::{i}"), failed: true);
        }

        Assert.Equal(VshpReason.LimitReached, _secrets.TryBegin(V6("2001:db8:1:2:ffff::1"), 0));
        Assert.Equal(VshpReason.None, _secrets.TryBegin(V6("2001:db8:1:3::1"), 0));
    }

    [Fact]
    public void SoManyAreUnderWayAtATime()
    {
        Open("code");
        Assert.Equal(VshpReason.None, _secrets.TryBegin(Here, 0));
        Assert.Equal(VshpReason.None, _secrets.TryBegin(Here, 0));
        Assert.Equal(VshpReason.LimitReached, _secrets.TryBegin(Here, 0));
        foreach (int i in Enumerable.Range(0, 6))
        {
            Assert.Equal(VshpReason.None, _secrets.TryBegin(i % 2 == 0 ? null : IpAddr.FromV4((uint)i), 0));
        }

        Assert.Equal(VshpReason.LimitReached, _secrets.TryBegin(There, 0));
        Assert.Equal(VshpReason.LimitReached, _secrets.TryBegin(null, 0));
        _secrets.End(Here, failed: false);
        Assert.Equal(VshpReason.None, _secrets.TryBegin(Here, 0));
    }

    [Theory]
    [InlineData("K7QM-2X94", true)]
    [InlineData("k7qm2x94", true)]
    [InlineData(" k7 qm-2x 94", true)]
    [InlineData("OIL0-0000", true)]
    [InlineData("K7QM-2X9", false)]
    [InlineData("K7QM-2X94A", false)]
    [InlineData("K7QM-2X9U", false)]
    [InlineData("K7QM_2X94", false)]
    [InlineData("", false)]
    public void CodesAreReadAsTheyAreTyped(string text, bool isCode) => Assert.Equal(isCode, PairCode.TryRead(text, out _));

    [Fact]
    public void ACodeIsReadAsItWasMade()
    {
        Assert.Equal("0000-0000", PairCode.Make([0, 0, 0, 0, 0]));
        Assert.Equal("ZZZZ-ZZZZ", PairCode.Make([255, 255, 255, 255, 255]));
        string code = PairCode.Make([0x01, 0x23, 0x45, 0x67, 0x89]);
        Assert.Equal("04HM-ASW9", code);
        Assert.True(PairCode.TryRead(code, out byte[] secret));
        Assert.Equal("04HMASW9"u8.ToArray(), secret);
        Assert.True(PairCode.TryRead("o4hm asw9", out byte[] typed));
        Assert.Equal(secret, typed);
    }

    private static IpAddr V6(string text) => IpAddr.From(System.Net.IPAddress.Parse(text));

    private void Open(params string[] forms) => _secrets.Open(0, [.. forms.Select(Encoding.UTF8.GetBytes)]);

    private void Try(IpAddr from, bool failed)
    {
        Assert.Equal(VshpReason.None, _secrets.TryBegin(from, 0));
        _secrets.End(from, failed);
    }

    private VshpReason Check(string secret, long now, out string known)
    {
        VshpReason reason = _secrets.Check(Transcript, Transcript.DeviceProof(Encoding.UTF8.GetBytes(secret)), now, out byte[] form);
        known = Encoding.UTF8.GetString(form);
        return reason;
    }
}
