using System;
using Culvert.Platform.Channel;
using Xunit;

namespace Culvert.Tests.Unit.Platform;

public sealed class HelperMessageTests
{
    [Fact]
    public void MessageSurvivesTheChannelsBytes()
    {
        HelperMessage message = new(HelperMessageKind.Ready, "culvert0\nNo IPv6 – so sorry", 1500, true);
        Span<byte> bytes = stackalloc byte[HelperMessage.MaximumSize];
        int length = message.Write(bytes);
        Assert.True(HelperMessage.TryRead(bytes[..length], out HelperMessage read));
        Assert.Equal(message, read);
    }

    [Fact]
    public void TextTooLongForAMessageIsCut()
    {
        HelperMessage message = new(HelperMessageKind.Failed, new string('€', 10_000), 7);
        Span<byte> bytes = stackalloc byte[HelperMessage.MaximumSize];
        int length = message.Write(bytes);
        Assert.True(HelperMessage.TryRead(bytes[..length], out HelperMessage read));
        Assert.Equal(7, read.Number);
        Assert.StartsWith("€€€€", read.Text, StringComparison.Ordinal);
        Assert.True(read.Text.Length > 1000);
    }

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 2, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 6, 0, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 12, 0, 0, 0, 0, 0 })]
    public void BytesThatNobodySendsAreRefused(byte[] bytes) => Assert.False(HelperMessage.TryRead(bytes, out _));

    [Fact]
    public void ChannelCarriesMessagesAndShowsItsClosing()
    {
        (HelperChannel engine, HelperChannel helper) = HelperChannel.Pair();
        using (engine)
        {
            using (helper)
            {
                Assert.True(helper.Send(new HelperMessage(HelperMessageKind.NotExecuted, Number: 2)));
                Assert.True(helper.Send(new HelperMessage(HelperMessageKind.Failed, "why")));
            }

            Assert.Equal(2, engine.Receive(TimeSpan.FromSeconds(5), out _)?.Number);
            Assert.Equal("why", engine.Receive(TimeSpan.FromSeconds(5), out _)?.Text);
            Assert.Null(engine.Receive(TimeSpan.FromSeconds(5), out _));
            Assert.False(engine.Send(new HelperMessage(HelperMessageKind.Go)));
        }
    }

    [Fact]
    public void ReceiverGetsACopyOfTheDescriptor()
    {
        (HelperChannel engine, HelperChannel helper) = HelperChannel.Pair();
        using (engine)
        using (helper)
        {
            (HelperChannel one, HelperChannel other) = HelperChannel.Pair();
            using (other)
            {
                helper.Send(new HelperMessage(HelperMessageKind.Ready), one.Socket);
                one.Dispose();
                engine.Receive(TimeSpan.FromSeconds(5), out Microsoft.Win32.SafeHandles.SafeFileHandle? copy);
                using HelperChannel passed = new(copy!);
                passed.Send(new HelperMessage(HelperMessageKind.Failed, "through the copy"));
                Assert.Equal("through the copy", other.Receive(TimeSpan.FromSeconds(5), out _)?.Text);
            }
        }
    }

    [Fact]
    public void SilentHelperIsGivenUpInTime()
    {
        (HelperChannel engine, HelperChannel helper) = HelperChannel.Pair();
        using (engine)
        using (helper)
        {
            Core.CulvertException failure = Assert.Throws<Core.CulvertException>(() => engine.Receive(TimeSpan.FromMilliseconds(20), out _));
            Assert.Equal(Core.FailureKind.TimedOut, failure.Kind);
        }
    }
}
