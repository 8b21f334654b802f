using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using Culvert.Core;
using Culvert.Platform.Files;
using QRCoder;

namespace Culvert.Cli.Pairing;

/// <summary>A QR code (ISO/IEC 18004), with its quiet zone of four modules, for a terminal or a file.</summary>
internal sealed class QrImage : IDisposable
{
    // Of the 256 colours these two are in no theme: black and white everywhere (the cube's corners).
    private const string White = "231";
    private const string Black = "16";
    private const int PixelsPerModule = 8;

    private readonly QRCodeData _data;

    /// <summary>The code of <paramref name="text"/>.</summary>
    public QrImage(string text) => _data = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.L);

    /// <summary>Columns that it takes in a terminal.</summary>
    public int Columns => _data.ModuleMatrix.Count;

    /// <summary>Lines that it takes.</summary>
    public int Rows => (Columns + 1) / 2;

    private List<BitArray> Modules => _data.ModuleMatrix;

    /// <summary>Lines for a terminal: two modules to a character, black on white whatever the theme.</summary>
    public IEnumerable<string> ToLines()
    {
        for (int y = 0; y < Columns; y += 2)
        {
            StringBuilder line = new();
            (bool Upper, bool Lower)? last = null;
            for (int x = 0; x < Columns; x++)
            {
                (bool upper, bool lower) = (Modules[y][x], y + 1 < Columns && Modules[y + 1][x]);
                if (last != (upper, lower))
                {
                    // A last half line is quiet zone too.
                    line.Append(CultureInfo.InvariantCulture, $"\e[38;5;{(upper ? Black : White)};48;5;{(lower ? Black : White)}m");
                    last = (upper, lower);
                }

                line.Append('▀');
            }

            yield return line.Append("\e[0m").ToString();
        }
    }

    /// <summary>Writes it to a file, whose name says whether as PNG or SVG.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: it cannot be written.</exception>
    public void Save(string path) => AtomicFile.Write(path, ToFile(path)); // its owner's alone: it holds a secret

    /// <summary>Whether a file of this name can be made.</summary>
    public static bool IsFile(string path) => Path.GetExtension(path).ToUpperInvariant() is ".PNG" or ".SVG";

    /// <inheritdoc/>
    public void Dispose() => _data.Dispose();

    private byte[] ToFile(string path)
    {
        if (string.Equals(Path.GetExtension(path), ".svg", StringComparison.OrdinalIgnoreCase))
        {
            return Encoding.ASCII.GetBytes(ToSvg());
        }

        using PngByteQRCode png = new(_data);
        return png.GetGraphic(PixelsPerModule);
    }

    private string ToSvg()
    {
        StringBuilder path = new();
        for (int y = 0; y < Columns; y++)
        {
            for (int x = 0; x < Columns; x++)
            {
                if (Modules[y][x])
                {
                    path.Append(CultureInfo.InvariantCulture, $"M{x} {y}h1v1h-1z");
                }
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Columns} {Columns}" width="{Columns * PixelsPerModule}" height="{Columns * PixelsPerModule}" shape-rendering="crispEdges">
            <path fill="#fff" d="M0 0h{Columns}v{Columns}h-{Columns}z"/><path d="{path}"/>
            </svg>

            """);
    }
}
