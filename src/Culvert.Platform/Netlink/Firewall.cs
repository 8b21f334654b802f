using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Culvert.Core;
using Culvert.Platform.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Netlink;

/// <summary>
/// The machine's packet filter, told in nft's own language (nft(8)). A table with the flag "owner" that is made here belongs to this object: nobody else
/// can change it, and it goes with the object and with the process, however that ends, unless another process has a copy of <see cref="Socket"/>.
/// </summary>
internal sealed unsafe class Firewall : IDisposable
{
    private nint _context;

    /// <exception cref="CulvertException">Configuration: there is no nftables.</exception>
    public Firewall()
    {
        if (!Nftables.IsInstalled)
        {
            throw new CulvertException(FailureKind.Configuration, "Nothing would keep traffic from leaving beside the tunnel, because nftables is missing: install it (sudo apt install nftables).");
        }

        List<int> before = Descriptors.Sockets(Libc.AF_NETLINK, Libc.NETLINK_NETFILTER);
        _context = Nftables.nft_ctx_new(0);
        List<int> made = [.. Descriptors.Sockets(Libc.AF_NETLINK, Libc.NETLINK_NETFILTER).Except(before)];
        Socket = new SafeFileHandle(made.Count == 1 ? made[0] : -1, ownsHandle: false);
        if (_context == 0 || Socket.IsInvalid)
        {
            Dispose();
            throw new CulvertException(FailureKind.Configuration, "The packet filter (nftables) cannot be spoken to.");
        }

        _ = Nftables.nft_ctx_buffer_error(_context);
        _ = Nftables.nft_ctx_buffer_output(_context);
    }

    /// <summary>
    /// The context's socket, which is what a table with the flag "owner" belongs to in the kernel's eyes. Whoever has a copy keeps the table there, and can do
    /// nothing else with it but by privileges of his own: the kernel asks for those of the one who sends, too (netlink(7)).
    /// </summary>
    public SafeFileHandle Socket { get; }

    /// <summary>Runs commands as one change: all of them or none.</summary>
    /// <exception cref="CulvertException">Privilege, or Configuration with nftables' own reason.</exception>
    public void Run(string commands)
    {
        if (!TryRun(commands, out string reason))
        {
            FailureKind kind = reason.Contains("not permitted", StringComparison.Ordinal) ? FailureKind.Privilege : FailureKind.Configuration;
            throw new CulvertException(kind, $"The packet filter (nftables, Linux 5.12 or later) refused the leak guard: {reason}.");
        }
    }

    /// <summary>Whether there is a table of this name (of family inet), whosever it is.</summary>
    public bool Has(string table) => TryRun($"list table inet {table}", out _);

    /// <summary>Removes a table; nothing when there is none.</summary>
    public void Remove(string table)
    {
        if (Has(table))
        {
            Run(Deletion(table));
        }
    }

    /// <summary>The command that removes a table that is there.</summary>
    public static string Deletion(string table) => $"delete table inet {table}\n";

    public void Dispose()
    {
        if (_context != 0)
        {
            Nftables.nft_ctx_free(_context);
            _context = 0;
        }
    }

    private bool TryRun(string commands, out string reason)
    {
        int result = Nftables.nft_run_cmd_from_buffer(_context, commands);
        string said = Marshal.PtrToStringUTF8((nint)Nftables.nft_ctx_get_error_buffer(_context)) ?? "";
        _ = Nftables.nft_ctx_get_output_buffer(_context); // empties it
        int line = said.IndexOf('\n', StringComparison.Ordinal);
        reason = (line < 0 ? said : said[..line]).Replace("Error: ", "", StringComparison.Ordinal).TrimEnd('.');
        return result == 0;
    }
}
