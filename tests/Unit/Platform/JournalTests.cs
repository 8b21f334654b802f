using System;
using System.Collections.Generic;
using System.IO;
using Culvert.Core;
using Culvert.Platform.Undo;
using Xunit;

namespace Culvert.Tests.Unit.Platform;

public sealed class JournalTests : IDisposable
{
    private static readonly UndoStep Rule = new(UndoKind.Rule, "v4 priority 5100 table 254 iif culvert0");
    private static readonly UndoStep Table = new(UndoKind.Routes, "19780");
    private static readonly UndoStep Guard = new(UndoKind.Firewall, "culvert0");

    private readonly string _path = Path.Combine(Path.GetTempPath(), $"culvert-journals-{Guid.NewGuid():N}");

    private string File1 => Path.Combine(_path, "culvert0.journal");

    public void Dispose()
    {
        if (Directory.Exists(_path))
        {
            Directory.Delete(_path, recursive: true);
        }
    }

    [Fact]
    public void WhatWasBegunAndNotDoneIsLeftForTheNextInOrder()
    {
        using (Journal journal = Take()!)
        {
            journal.Begin(Table);
            journal.Begin(Rule);
            journal.Begin(Guard);
            journal.Done(Rule);
        }

        using Journal next = Take()!;
        Assert.Equal([Table, Guard], next.Live);
    }

    [Fact]
    public void NothingLeftLeavesNoFileAndNoDirectory()
    {
        using (Journal journal = Take()!)
        {
            journal.Begin(Rule);
            journal.Done(Rule);
        }

        Assert.False(Directory.Exists(_path));
    }

    [Fact]
    public void HeldJournalIsTakenByNobodyElseAlsoWhenWrittenAnew()
    {
        using Journal journal = Take()!;
        Assert.Null(Take());
        journal.Begin(Table);
        for (int i = 0; i < 2000; i++)
        {
            journal.Begin(Rule);
            journal.Done(Rule);
        }

        Assert.InRange(new FileInfo(File1).Length, 1, Journal.MaximumSize + 200);
        Assert.Null(Take());
        Assert.Equal([Table], journal.Live);
    }

    [Theory]
    [InlineData("+ ")]
    [InlineData("+ Firewall culvert0")]
    [InlineData("- Routes 19780")]
    public void LineThatADeathCutOffDoesNotCount(string cut)
    {
        Directory.CreateDirectory(_path);
        File.WriteAllText(File1, $"+ {Table}\n+ {Rule}\n{cut}");
        using Journal journal = Take()!;
        Assert.Equal([Table, Rule], journal.Live);
        journal.Begin(Guard);
        Assert.Equal($"+ {Table}\n+ {Rule}\n+ {Guard}\n", ReadAll());
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("+ Rule")]
    [InlineData("+ Unheard of")]
    public void LineOfNobodyIsNotUndone(string line)
    {
        Directory.CreateDirectory(_path);
        File.WriteAllText(File1, line + "\n");
        Assert.Equal(FailureKind.CleanUpIncomplete, Assert.Throws<CulvertException>(Take).Kind);
    }

    [Fact]
    public void EveryLineIsOnTheDiskBeforeItIsTold()
    {
        List<string> told = [];
        using JournalDirectory directory = new(_path);
        Journal journal = Journal.TryTake(directory, "culvert0", (line, written) =>
        {
            told.Add(line);
            Assert.Equal(written, ReadAll().EndsWith(line, StringComparison.Ordinal));
        })!;
        journal.Begin(Rule);
        journal.Done(Rule);
        Assert.Equal([$"+ {Rule}\n", $"+ {Rule}\n", $"- {Rule}\n", $"- {Rule}\n"], told);
        directory.Dispose();
        journal.Dispose();
    }

    private Journal? Take()
    {
        using JournalDirectory directory = new(_path);
        return Journal.TryTake(directory, "culvert0");
    }

    private string ReadAll() => string.Join('\n', JournalDirectory.Read(File1));
}
