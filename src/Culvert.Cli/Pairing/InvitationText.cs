using System;
using System.Globalization;
using System.IO;
using System.Linq;
using Culvert.Pairing;

namespace Culvert.Cli.Pairing;

/// <summary>An invitation as a terminal shows it: the QR code where there is room for it, the URI, and the code for typing.</summary>
internal static class InvitationText
{
    // Below the QR code stand what it means and the lines to come.
    private const int LinesBelow = 6;

    /// <summary>What is written; <paramref name="columns"/> and <paramref name="lines"/> are the terminal's, 0 where it shows no colours; <paramref name="isAsked"/>: a person says yes.</summary>
    public static string Write(PairingInvitation invitation, string gateway, int columns, int lines, bool isAsked)
    {
        using StringWriter text = new(CultureInfo.InvariantCulture);
        if (invitation.Uri?.ToString() is { } uri)
        {
            using QrImage qr = new(uri);
            if (qr.Columns <= columns && qr.Rows + LinesBelow <= lines)
            {
                text.WriteLine();
                foreach (string line in qr.ToLines())
                {
                    text.WriteLine(line);
                }
            }

            text.WriteLine();
            text.WriteLine($"  culvert pair '{uri}'");
        }

        string name = gateway.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') ? gateway : $"'{gateway.Replace("'", "'\\''", StringComparison.Ordinal)}'";
        text.WriteLine();
        text.WriteLine($"  or, on the same network, culvert pair {name}   and this code: {invitation.Code}");
        text.WriteLine($"  Good once, until {invitation.Until.ToLocalTime():HH:mm}.{(isAsked ? " You will be asked before anybody is trusted." : " Whoever knows it is trusted: nobody will be asked.")}");
        text.WriteLine();
        return text.ToString().Replace("\r\n", "\n", StringComparison.Ordinal);
    }

    /// <summary>The size of the terminal that standard error is; zeros where it is none, or one that shows no colours.</summary>
    public static (int Columns, int Lines) TerminalSize()
    {
        if (Console.IsErrorRedirected || Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb")
        {
            return (0, 0);
        }

        try
        {
            return (Console.WindowWidth, Console.WindowHeight);
        }
        catch (IOException)
        {
            return (0, 0);
        }
    }
}
