using System;
using System.Text;
using Culvert.Tests.Lab.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Tests.Lab;

/// <summary>A TAP device: an Ethernet interface whose other end is a descriptor. Goes when the descriptor closes.</summary>
internal static class Tap
{
    private const nuint SetInterface = 0x400454CA;
    private const short TapDevice = 0x0002;
    private const short NoPacketInformation = 0x1000;

    /// <summary>Makes one in the calling thread's network, non-blocking.</summary>
    internal static SafeFileHandle Open(string name)
    {
        SafeFileHandle device = Native.Open("/dev/net/tun", Native.ReadWrite | Native.NonBlocking);
        byte[] request = new byte[40];
        Encoding.ASCII.GetBytes(name, request);
        BitConverter.TryWriteBytes(request.AsSpan(16), (short)(TapDevice | NoPacketInformation));
        Native.Control(device, SetInterface, request, $"making the TAP device {name}");
        return device;
    }
}
