using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;

namespace Culvert.Tests.EndToEnd;

/// <summary>What a terminal shows, as a picture for a camera: cells of 8 by 16 pixels, drawn in grey from a screen with its colours. Of characters it knows the upper half block; all others are noise.</summary>
internal sealed partial class Screenshot
{
    private const int CellWidth = 8;
    private const int CellHeight = 16;

    private readonly List<(byte Upper, byte Lower)[]> _lines = [];

    /// <summary>Draws a screen as tmux gives it (<c>capture-pane -pe</c>), in a dark or a light theme.</summary>
    public Screenshot(string screen, bool dark)
    {
        (byte front, byte back) = dark ? ((byte)220, (byte)20) : ((byte)30, (byte)240);
        (byte front, byte back) now = (front, back);
        foreach (string line in screen.Split('\n'))
        {
            List<(byte, byte)> cells = [];
            for (int i = 0; i < line.Length;)
            {
                if (Style().Match(line, i) is { Success: true } style)
                {
                    now = Apply(style.Groups[1].Value, now, (front, back));
                    i += style.Length;
                    continue;
                }

                cells.Add(line[i++] switch
                {
                    ' ' => (now.back, now.back),
                    '▀' => (now.front, now.back),
                    _ => (now.back, now.front),
                });
            }

            _lines.Add([.. cells]);
        }

        int width = _lines.Max(static l => l.Length);
        for (int i = 0; i < _lines.Count; i++)
        {
            _lines[i] = [.. _lines[i], .. Enumerable.Repeat((back, back), width - _lines[i].Length)];
        }
    }

    /// <summary>Writes it as a PGM (netpbm).</summary>
    public void Save(string path)
    {
        int width = _lines[0].Length * CellWidth;
        using FileStream file = File.Create(path);
        file.Write(Encoding.ASCII.GetBytes($"P5\n{width} {_lines.Count * CellHeight}\n255\n"));
        foreach ((byte Upper, byte Lower)[] line in _lines)
        {
            for (int y = 0; y < CellHeight; y++)
            {
                file.Write([.. line.SelectMany(cell => Enumerable.Repeat(y < CellHeight / 2 ? cell.Upper : cell.Lower, CellWidth))]);
            }
        }
    }

    private static (byte Front, byte Back) Apply(string codes, (byte Front, byte Back) now, (byte Front, byte Back) theme)
    {
        string[] parts = codes.Split(';');
        for (int i = 0; i < parts.Length; i++)
        {
            switch (parts[i])
            {
                case "38":
                    now.Front = Grey(parts[i += 2]);
                    break;
                case "48":
                    now.Back = Grey(parts[i += 2]);
                    break;
                case "39":
                    now.Front = theme.Front;
                    break;
                case "49":
                    now.Back = theme.Back;
                    break;
                case "0" or "":
                    now = theme;
                    break;
            }
        }

        return now;
    }

    private static byte Grey(string colour) => colour switch
    {
        "16" => 0,
        "231" => 255,
        _ => throw new InvalidOperationException($"Colour {colour} may be any in somebody's theme."),
    };

    [GeneratedRegex("\\G\e\\[([0-9;]*)m")]
    private static partial Regex Style();
}
