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

    private const nuint SetOffload = 0x400454D0;
    private const short VirtioHeader = 0x4000;
    private const nuint ChecksumAndSegmentation = 1 | 2 | 4;

    /// <summary>Bytes that stand in front of each frame of a device with large segments (<c>struct virtio_net_hdr</c>).</summary>
    internal const int HeaderLength = 10;

    /// <summary>Makes one in the calling thread's network, non-blocking; with <paramref name="largeSegments"/> TCP segments up to 64 KiB pass in one piece.</summary>
    internal static SafeFileHandle Open(string name, bool largeSegments)
    {
        SafeFileHandle device = Native.Open("/dev/net/tun", Native.ReadWrite | Native.NonBlocking);
        byte[] request = new byte[40];
        Encoding.ASCII.GetBytes(name, request);
        BitConverter.TryWriteBytes(request.AsSpan(16), (short)(TapDevice | NoPacketInformation | (largeSegments ? VirtioHeader : 0)));
        Native.Control(device, SetInterface, request, $"making the TAP device {name}");
        if (largeSegments)
        {
            Native.Control(device, SetOffload, ChecksumAndSegmentation, "turning on large segments");
        }

        return device;
    }
}
