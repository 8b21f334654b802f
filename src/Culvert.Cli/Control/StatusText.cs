using System;
using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Culvert.Tunnel;

namespace Culvert.Cli.Control;

/// <summary>A status as JSON for scripts (one line), and as words for people.</summary>
internal static class StatusText
{
    /// <summary>The status with its rates as one line of JSON. Times are ISO 8601, sizes bytes, rates bytes a second.</summary>
    public static string ToJson(TunnelStatus status, Rates rates)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteString("state", status.State);
            json.WriteString("exit", status.Exit);
            json.WriteString("link", status.Link);
            json.WriteString("names", status.Names);
            json.WriteString("started", status.Started);
            json.WriteString("since", status.Since);
            if (status.RoundTrip is { } roundTrip)
            {
                json.WriteNumber("rtt_ms", Math.Round(roundTrip.TotalMilliseconds, 1));
            }
            else
            {
                json.WriteNull("rtt_ms");
            }

            json.WriteNumber("up_bytes", status.Uploaded);
            json.WriteNumber("down_bytes", status.Downloaded);
            json.WriteNumber("up_rate", (long)rates.Up);
            json.WriteNumber("down_rate", (long)rates.Down);
            json.WriteNumber("flows", status.Flows);
            json.WriteNumber("reconnects", status.Reconnects);
            json.WriteBoolean("helper", status.Helped);
            json.WriteBoolean("kill_switch", status.KillSwitch);
            json.WriteString("why", status.Why);
            json.WriteNumber("pid", Environment.ProcessId);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>One line for the terminal, from the JSON of <see cref="ToJson"/>; false when it is none.</summary>
    public static bool TryToLine(string json, out string line)
    {
        line = "";
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            string roundTrip = root.GetProperty("rtt_ms") is { ValueKind: JsonValueKind.Number } number ? $" · {Plain(number.GetDouble())} ms" : "";
            string why = root.GetProperty("why").GetString() is { Length: > 0 } text ? $" · {text}" : "";
            string helper = root.GetProperty("helper").GetBoolean() ? "" : " · helper gone";
            line = Clean($"{root.GetProperty("state").GetString()} · {root.GetProperty("exit").GetString()} · "
                + $"↑ {Size(root.GetProperty("up_rate").GetDouble())}/s ↓ {Size(root.GetProperty("down_rate").GetDouble())}/s"
                + $"{roundTrip} · {root.GetProperty("flows").GetInt32()} flows{helper}{why}");
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or System.Collections.Generic.KeyNotFoundException)
        {
            return false;
        }
    }

    /// <summary>The lines of <c>culvert status</c>; false when <paramref name="json"/> is none.</summary>
    public static bool TryToLines(string json, DateTimeOffset now, out string lines)
    {
        lines = "";
        if (!TryToLine(json, out string first))
        {
            return false;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            TimeSpan up = now - root.GetProperty("started").GetDateTimeOffset();
            string killSwitch = root.GetProperty("kill_switch").GetBoolean() ? "; kill switch on" : "";
            lines = Clean($"{root.GetProperty("link").GetString()}: {first}")
                + "\n" + Clean($"  up for {Words(up)}, {root.GetProperty("reconnects").GetInt32()} reconnects; ↑ {Size(root.GetProperty("up_bytes").GetDouble())} ↓ {Size(root.GetProperty("down_bytes").GetDouble())}{killSwitch}")
                + "\n" + Clean($"  names: {root.GetProperty("names").GetString()}") + "\n";
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or System.Collections.Generic.KeyNotFoundException)
        {
            return false;
        }
    }

    /// <summary>A size as people read it: <c>1.4 MB</c>.</summary>
    public static string Size(double bytes)
    {
        string[] units = ["B", "kB", "MB", "GB", "TB"];
        int unit = 0;
        for (; bytes >= 1000 && unit < units.Length - 1; unit++)
        {
            bytes /= 1000;
        }

        return unit == 0 ? $"{bytes:0} B" : string.Create(CultureInfo.InvariantCulture, $"{bytes:0.#} {units[unit]}");
    }

    // What the other end says is shown on a terminal.
    private static string Clean(string text) => string.Concat(text.AsSpan().ToString().Split(['\u001b', '\r', '\n', '\a', '\b', '\t']));

    private static string Plain(double number) => number.ToString(number < 10 ? "0.0" : "0", CultureInfo.InvariantCulture);

    private static string Words(TimeSpan time) => time.TotalDays >= 1 ? $"{(int)time.TotalDays} d {time.Hours} h"
        : time.TotalHours >= 1 ? $"{(int)time.TotalHours} h {time.Minutes} min"
        : time.TotalMinutes >= 1 ? $"{(int)time.TotalMinutes} min {time.Seconds} s"
        : $"{Math.Max(0, (int)time.TotalSeconds)} s";
}
