using System;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Dns;
using Culvert.Flows;

namespace Culvert.Names;

/// <summary>
/// Answers the DNS queries of an entry by a <see cref="NamesPolicy"/>, and says which destination stands behind an address. Safe for use from many threads.
/// </summary>
public sealed class NameService : IAsyncDisposable
{
    private readonly NameServiceOptions _options;
    private readonly Action<string>? _warn;
    private readonly VirtualNames? _virtual;
    private readonly INameSource? _source;
    private readonly bool _onionPasses;
    private readonly SemaphoreSlim _room;
    private int _warned;

    /// <summary>
    /// Names by <paramref name="policy"/> through <paramref name="exit"/>, which stays the caller's and has been probed, so that its capabilities are known.
    /// <paramref name="warn"/> gets a sentence for people when the way to the DNS server fails, once for each kind of failure.
    /// </summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: the exit cannot do what the policy asks.</exception>
    public NameService(NamesPolicy policy, IExit exit, NameServiceOptions? options = null, Action<string>? warn = null, TimeProvider? time = null)
    {
        _options = options ??= new NameServiceOptions();
        _warn = warn;
        _room = new SemaphoreSlim(options.MaxInFlight);

        // Tor is reached as a SOCKS5 proxy, and the only exit that knows .onion names (RFC 7686); it has to get the name itself.
        _onionPasses = exit.Description.StartsWith("socks5:", StringComparison.Ordinal);
        bool canResolve = exit.Capabilities.HasFlag(ExitCapabilities.Resolve);
        switch (policy.Kind)
        {
            case NamesKind.Virtual:
            case NamesKind.Auto when !canResolve:
                _virtual = new VirtualNames(options.Fakes, time ?? TimeProvider.System);
                Description = policy.Kind == NamesKind.Virtual
                    ? "virtual: names get fake addresses and are resolved by the exit"
                    : "virtual (auto): names get fake addresses and are resolved by the exit, since it answers no DNS queries itself";
                break;
            case NamesKind.Remote when !canResolve:
                throw new CulvertException(
                    FailureKind.Configuration,
                    $"--dns remote does not work with {exit.Description}, which answers no DNS queries. Use --dns virtual, or --dns with the address or https:// URL of a DNS server.");
            case NamesKind.Remote:
            case NamesKind.Auto:
                _source = new RemoteNames(exit);
                Description = policy.Kind == NamesKind.Remote
                    ? "remote: the exit's own resolver answers"
                    : "remote (auto): the exit's own resolver answers, since it has one";
                break;
            case NamesKind.Server:
                _source = new ServerNames(exit, policy.Server!, options);
                Description = $"the DNS server {policy.Server} answers, asked through the exit";
                break;
            default:
                _source = new HttpsNames(exit, policy.Url!, options);
                Description = $"{policy.Url!.AbsoluteUri} answers, asked through the exit";
                break;
        }

        _onionPasses &= _virtual is not null;
    }

    /// <summary>Who answers, and why, for people.</summary>
    public string Description { get; }

    /// <summary>Names get fake addresses, which mean something only to whom this tunnel carries.</summary>
    public bool IsVirtual => _virtual is not null;

    /// <summary>
    /// Answers one DNS message (no length prefix). Always a DNS message: SERVFAIL when the way to an answer failed, and cut to fit when a datagram would be too long for
    /// the client; empty only where no answer is due, because <paramref name="query"/> has no header or is itself an answer.
    /// </summary>
    /// <exception cref="OperationCanceledException">Of the caller's own <paramref name="cancellation"/>.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> AnswerAsync(ReadOnlyMemory<byte> query, bool overTcp, CancellationToken cancellation)
    {
        if (TryAnswerHere(query.Span, out DnsQuestion question, out byte[] here))
        {
            return here;
        }

        ReadOnlyMemory<byte> answer = await AskAsync(query, question, overTcp, cancellation).ConfigureAwait(false);
        return overTcp || answer.Length <= question.DatagramLimit ? answer : DnsResponse.Truncate(query.Span, question, answer.Span);
    }

    /// <summary>
    /// What an application means that connects to <paramref name="address"/>: the name behind a fake address, the address itself otherwise.
    /// </summary>
    /// <exception cref="CulvertException">
    /// <see cref="FailureKind.HostUnreachable"/>: a fake address that no name has, or one of the tunnel's own.
    /// </exception>
    public Destination Restore(IPAddress address, ushort port)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        if (_virtual is not null && _virtual.TryRestore(address, out string? name))
        {
            return name is not null ? new Destination(name, port) : throw Nobody();
        }

        bool isOwn = address.Equals(TunnelAddresses.LinkV4)
            || address.Equals(TunnelAddresses.LinkV6)
            || address.Equals(TunnelAddresses.ResolverV4)
            || address.Equals(TunnelAddresses.ResolverV6);
        return isOwn ? throw Nobody() : new Destination(address, port);

        static CulvertException Nobody() => new(
            FailureKind.HostUnreachable,
            "No name stands behind this address of the tunnel. It may be left from an earlier run; resolve the name again.");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_source is not null)
        {
            await _source.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Answers what needs nobody else; false when <paramref name="question"/> is to be asked of the source.</summary>
    private bool TryAnswerHere(ReadOnlySpan<byte> query, out DnsQuestion question, out byte[] answer)
    {
        question = default;
        if (!DnsHeader.TryParse(query, out DnsHeader header) || header.IsResponse)
        {
            answer = [];
            return true;
        }

        if (header.Opcode != 0 || query.Length > DnsFraming.MaxMessage || !DnsQuestion.TryParse(query, out question))
        {
            answer = DnsResponse.WriteHeaderOnly(header, header.Opcode != 0 ? DnsRcode.NotImp : DnsRcode.FormErr);
            return true;
        }

        if (question.HasEdns && question.EdnsVersion != 0)
        {
            answer = DnsResponse.Write(query, question, DnsRcode.BadVersion);
            return true;
        }

        if (SpecialNames.TryAnswer(query, question, _onionPasses, out answer))
        {
            return true;
        }

        if (_virtual is null || IsExcluded(question))
        {
            return false;
        }

        answer = _virtual.Answer(query, question);
        return true;
    }

    private bool IsExcluded(in DnsQuestion question) => _options.Excluded is { } excluded && excluded.Hold(question.Name);

    private async ValueTask<ReadOnlyMemory<byte>> AskAsync(ReadOnlyMemory<byte> query, DnsQuestion question, bool overTcp, CancellationToken cancellation)
    {
        if (!_room.Wait(0, CancellationToken.None))
        {
            return DnsResponse.Write(query.Span, question, DnsRcode.ServFail);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(_options.QueryTimeout);
        try
        {
            ReadOnlyMemory<byte> answer = await (IsExcluded(question) ? _options.Excluded! : _source!).AskAsync(query, overTcp, limit.Token).ConfigureAwait(false);
            if (DnsQuestion.IsAnswered(query.Span, answer.Span))
            {
                return answer;
            }

            Warn(FailureKind.Protocol, "The exit's resolver answered something else than it was asked.");
        }
        catch (CulvertException e)
        {
            Warn(e.Kind, e.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            Warn(FailureKind.TimedOut, "A DNS query was not answered in time.");
        }
        finally
        {
            _room.Release();
        }

        return DnsResponse.Write(query.Span, question, DnsRcode.ServFail);
    }

    private void Warn(FailureKind kind, string why)
    {
        int bit = 1 << (int)kind;
        if ((Interlocked.Or(ref _warned, bit) & bit) == 0)
        {
            _warn?.Invoke($"{why} Names do not resolve while this lasts; it is said once.");
        }
    }
}
