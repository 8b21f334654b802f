using System.Runtime.CompilerServices;

namespace Culvert.Tests.Simulation;

/// <summary>The text of a check, put together only when the check fails: checks run for every packet.</summary>
[InterpolatedStringHandler]
internal ref struct CheckText
{
    private DefaultInterpolatedStringHandler _text;

    public CheckText(int literals, int holes, bool holds, out bool failed)
    {
        failed = !holds;
        _text = failed ? new DefaultInterpolatedStringHandler(literals, holes) : default;
    }

    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    public void AppendFormatted<T>(T value, string? format = null) => _text.AppendFormatted(value, format);

    public string Take() => _text.ToStringAndClear();
}
