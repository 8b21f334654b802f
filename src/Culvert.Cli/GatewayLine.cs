using System;
using System.Globalization;
using Culvert.Gateway;

namespace Culvert.Cli;

/// <summary>
/// Who comes to a gateway and goes, a line each, for people and for programs that read logs (fail2ban): the time, a word, and fields. What strangers say of themselves is not in it; a device's
/// name, which its owner or the gateway's has chosen, stands last.
/// </summary>
internal static class GatewayLine
{
    /// <summary>The line, without our name in front.</summary>
    public static string Of(GatewayEvent happened, DateTimeOffset now)
    {
        string word = happened.Kind switch
        {
            GatewayEventKind.Refused => "auth-refused",
            GatewayEventKind.Opened => "open",
            GatewayEventKind.Resumed => "resume",
            _ => "close",
        };
        string reason = happened.Reason.Length > 0 ? $" reason={happened.Reason}" : "";
        string device = happened.Device.Length > 0 ? $" device=\"{happened.Device}\"" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{now:yyyy-MM-dd'T'HH:mm:ss'Z'} {word} from={happened.From}{reason}{device}");
    }
}
