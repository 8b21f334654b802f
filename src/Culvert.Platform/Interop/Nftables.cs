using System.Runtime.InteropServices;

namespace Culvert.Platform.Interop;

/// <summary>The library behind the program nft (libnftables(3)): a context, which holds a netlink socket, runs commands in nft's own language.</summary>
internal static unsafe partial class Nftables
{
    private const string Library = "libnftables.so.1";

    /// <summary>Whether this machine has the library.</summary>
    public static bool IsInstalled => NativeLibrary.TryLoad(Library, out _);

    [LibraryImport(Library)]
    public static partial nint nft_ctx_new(uint flags);

    [LibraryImport(Library)]
    public static partial void nft_ctx_free(nint context);

    /// <summary>Keeps what would go to standard error.</summary>
    [LibraryImport(Library)]
    public static partial int nft_ctx_buffer_error(nint context);

    /// <summary>Keeps what would go to standard output.</summary>
    [LibraryImport(Library)]
    public static partial int nft_ctx_buffer_output(nint context);

    /// <summary>Runs commands as one transaction; 0 when it was done.</summary>
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int nft_run_cmd_from_buffer(nint context, string commands);

    /// <summary>What was said since the last run; the context's own.</summary>
    [LibraryImport(Library)]
    public static partial byte* nft_ctx_get_error_buffer(nint context);

    /// <summary>What was printed since the last run; the context's own.</summary>
    [LibraryImport(Library)]
    public static partial byte* nft_ctx_get_output_buffer(nint context);
}
