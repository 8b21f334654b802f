using System;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;

namespace Culvert.Cli.Control;

/// <summary>Speaks to a running tunnel over its <see cref="ControlSocket"/>.</summary>
internal sealed class ControlClient : IDisposable
{
    private readonly string _link;
    private readonly NetworkStream _stream;
    private readonly StreamReader _reader;

    private ControlClient(string link, Socket socket)
    {
        _link = link;
        _stream = new NetworkStream(socket, ownsSocket: true);
        _reader = new StreamReader(_stream, Encoding.UTF8);
    }

    /// <summary>Connects to the tunnel on <paramref name="link"/>; null when there is none.</summary>
    /// <exception cref="CulvertException">Privilege: what listens there is neither root's nor ours.</exception>
    public static async Task<ControlClient?> ConnectAsync(string link, uint user, CancellationToken cancellation)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(ControlSocket.For(link), cancellation);
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }

        uint owner = ControlSocket.PeerOf(socket);
        if (owner != 0 && owner != user && user != 0)
        {
            socket.Dispose();
            throw new CulvertException(FailureKind.Privilege, $"The tunnel on {link} belongs to user {owner}; ask as that user or as root.");
        }

        return new ControlClient(link, socket);
    }

    /// <summary>Sends one word and returns the first line of the answer.</summary>
    /// <exception cref="CulvertException">Privilege: the tunnel does not answer this user.</exception>
    public async Task<string> AskAsync(string word, CancellationToken cancellation)
    {
        string? answer = null;
        try
        {
            await _stream.WriteAsync(Encoding.ASCII.GetBytes(word + "\n"), cancellation);
            answer = await NextAsync(cancellation);
        }
        catch (IOException)
        {
            // Closed before it was heard.
        }

        return answer ?? throw new CulvertException(FailureKind.Privilege, $"The tunnel on {_link} does not answer you: ask as the user who brought it up, or as root.");
    }

    /// <summary>The next line; null at the end.</summary>
    public async Task<string?> NextAsync(CancellationToken cancellation)
    {
        try
        {
            return await _reader.ReadLineAsync(cancellation);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.Dispose();
        _stream.Dispose();
    }
}
