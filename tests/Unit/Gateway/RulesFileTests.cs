using System;
using System.IO;
using System.Threading.Channels;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Gateway;
using Culvert.Tests.Unit.Flows;
using Xunit;

namespace Culvert.Tests.Unit.Gateway;

public sealed class RulesFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("culvert-rules-").FullName;
    private readonly Channel<string> _said = Channel.CreateUnbounded<string>();

    private string FilePath => Path.Combine(_directory, "rules");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task AChangeTakesEffectAndABrokenFileLeavesTheRulesAndSaysSo()
    {
        File.WriteAllText(FilePath, "deny 1.1.1.1\n");
        using RulesFile file = new(FilePath, s => _said.Writer.TryWrite(s));
        Assert.Equal("deny 1.1.1.1", Assert.Single(file.Rules).Text);

        Replace("deny 2.2.2.2, 3.3.3.3\n");
        await SaidAsync("(2 now)");
        Assert.Equal("deny 2.2.2.2", file.Rules[0].Text);

        Replace("deny 4.4.4.4\nallow 10.0.0.0/99\n");
        await SaidAsync("rules:2: behind the slash");
        Assert.Equal("deny 2.2.2.2", file.Rules[0].Text);

        File.Delete(FilePath);
        await SaidAsync("cannot be read");
        Assert.Equal(2, file.Rules.Count);

        Replace("");
        await SaidAsync("(0 now)");
        Assert.Empty(file.Rules);
    }

    [Fact]
    public void ABrokenFileIsRefusedAtTheStart()
    {
        File.WriteAllText(FilePath, "allow\n");
        Assert.Equal(FailureKind.Configuration, Assert.Throws<CulvertException>(() => new RulesFile(FilePath, static _ => { })).Kind);
        Assert.Equal(FailureKind.Configuration, Assert.Throws<CulvertException>(() => new RulesFile(FilePath + ".none", static _ => { })).Kind);
        Assert.Equal(FailureKind.Configuration, Assert.Throws<CulvertException>(() => new RulesFile("/nonexistent/directory/rules", static _ => { })).Kind);
        File.WriteAllText(FilePath, new string('#', RulesFile.MaxSize + 1));
        Assert.Equal(FailureKind.Configuration, Assert.Throws<CulvertException>(() => new RulesFile(FilePath, static _ => { })).Kind);
    }

    private void Replace(string text)
    {
        File.WriteAllText(FilePath + ".next", text);
        File.Move(FilePath + ".next", FilePath, overwrite: true);
    }

    private async Task SaidAsync(string part)
    {
        // A change may be told more than once.
        while (!(await _said.Reader.ReadAsync().AsTask().WaitAsync(Patience.Soon)).Contains(part, StringComparison.Ordinal))
        {
        }
    }
}
