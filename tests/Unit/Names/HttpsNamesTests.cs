using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Dns;
using Culvert.Flows;
using Culvert.Names;
using Culvert.Tests.Unit.Dns;
using Xunit;

namespace Culvert.Tests.Unit.Names;

public class HttpsNamesTests
{
    private static readonly Uri Url = new("https://dns.example/dns-query");
    private static readonly byte[] Query = Wire.Query("example.com", DnsType.A);
    private static readonly IPAddress Known = IPAddress.Parse("192.0.2.7");
    private static readonly NameServiceOptions Options = new();

    [Fact]
    public async Task TheServerIsReachedThroughTheExitByItsName()
    {
        var server = new HttpsServer();
        await using HttpsNames names = Names(server);
        for (int i = 0; i < 3; i++)
        {
            ReadOnlyMemory<byte> answer = await names.AskAsync(Query, false, default);
            Assert.True(DnsQuestion.IsAnswered(Query, answer.Span));
            Assert.Equal([Known], Wire.Addresses(answer));
        }

        Assert.Equal([new Destination("dns.example", 443)], server.Connected); // once: the connection is used again
    }

    [Fact]
    public async Task TheRequestSaysNoMoreThanItMust()
    {
        var server = new HttpsServer();
        await using HttpsNames names = Names(server);
        using Activity tracing = new Activity("a trace that would go out in a header").Start();
        await names.AskAsync(Query, false, default);
        (string head, byte[] body) = Assert.Single(server.Requests);
        string[] lines = head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("POST /dns-query HTTP/1.1", lines[0]);
        Assert.Equal(
            ["accept: application/dns-message", "content-length: 29", "content-type: application/dns-message", "host: dns.example"],
            lines.Skip(1).Select(line => line.ToLowerInvariant()).Order());
        Assert.Equal([0, 0, .. Query[2..]], body);
    }

    [Theory]
    [InlineData("404 Not Found", "application/dns-message", "404")]
    [InlineData("302 Found", "application/dns-message", "302")]
    [InlineData("200 OK", "text/html", "does not speak DNS over HTTPS")]
    public async Task OtherAnswersOfTheServerAreFailuresThatSayWhy(string status, string mediaType, string why)
    {
        var server = new HttpsServer { Status = status, MediaType = mediaType };
        await using HttpsNames names = Names(server);
        CulvertException e = await FailAsync(names);
        Assert.Equal(FailureKind.Protocol, e.Kind);
        Assert.Contains(why, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAnswerToSomethingElseIsAFailure()
    {
        var server = new HttpsServer { Answer = _ => Wire.Answer(Wire.Query("other.example", DnsType.A, id: 0)) };
        await using HttpsNames names = Names(server);
        Assert.Equal(FailureKind.Protocol, (await FailAsync(names)).Kind);
    }

    [Fact]
    public async Task AnAnswerLongerThanAnyDnsMessageIsAFailure()
    {
        var server = new HttpsServer { Answer = query => [.. Wire.Answer(query), .. new byte[70_000]] };
        await using HttpsNames names = Names(server);
        Assert.Equal(FailureKind.Protocol, (await FailAsync(names)).Kind);
    }

    [Fact]
    public async Task ACertificateThatTheSystemDoesNotTrustIsAFailureAndIsSaid()
    {
        var server = new HttpsServer();
        var warnings = new List<string>();
        await using var names = new NameService(NamesPolicy.Parse(Url.AbsoluteUri), server.Exit(), warn: warnings.Add);
        Assert.Equal(DnsRcode.ServFail, Wire.Rcode(await names.AnswerAsync(Query, false, default)));
        Assert.Equal(DnsRcode.ServFail, Wire.Rcode(await names.AnswerAsync(Query, false, default)));
        Assert.Contains("certificate of the DNS server dns.example is not trusted", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task AnExitThatCannotConnectIsTheFailureItself()
    {
        var exit = new FakeExit { Connect = (_, _) => throw new CulvertException(FailureKind.ExitUnreachable, "The exit has gone.") };
        await using var names = new HttpsNames(exit, Url, Options);
        Assert.Equal(FailureKind.ExitUnreachable, (await FailAsync(names)).Kind);
    }

    [Fact]
    public async Task AServerThatResetsIsAFailureOfTheConnection()
    {
        var exit = new FakeExit
        {
            Connect = (_, _) =>
            {
                (MemoryConnection near, MemoryConnection far) = MemoryConnection.Pair();
                far.Abort();
                return ValueTask.FromResult<IConnection>(near);
            },
        };
        await using var names = new HttpsNames(exit, Url, Options);
        Assert.Equal(FailureKind.Reset, (await FailAsync(names)).Kind);
    }

    private static HttpsNames Names(HttpsServer server) =>
        new(server.Exit(), Url, Options, (_, certificate, _, _) => certificate is X509Certificate2 one && one.Thumbprint == HttpsServer.Certificate.Thumbprint);

    private static async Task<CulvertException> FailAsync(HttpsNames names) =>
        await Assert.ThrowsAsync<CulvertException>(async () => await names.AskAsync(Query, false, default));

    /// <summary>DNS over HTTPS/1.1 inside the process, behind an exit.</summary>
    private sealed class HttpsServer
    {
        public static readonly X509Certificate2 Certificate = MakeCertificate();

        public string Status { get; init; } = "200 OK";

        public string MediaType { get; init; } = "application/dns-message";

        public Func<byte[], byte[]> Answer { get; init; } = query => Wire.Answer(query, DnsRecord.Address(Known, 60));

        public ConcurrentQueue<Destination> Connected { get; } = new();

        public ConcurrentQueue<(string Head, byte[] Body)> Requests { get; } = new();

        public FakeExit Exit() => new()
        {
            Connect = (destination, cancellation) =>
            {
                Connected.Enqueue(destination);
                (MemoryConnection near, MemoryConnection far) = MemoryConnection.Pair();
                _ = ServeAsync(far);
                return ValueTask.FromResult<IConnection>(near);
            },
        };

        private static X509Certificate2 MakeCertificate()
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=dns.example", key, HashAlgorithmName.SHA256);
            return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        }

        private async Task ServeAsync(MemoryConnection far)
        {
            await using var tls = new SslStream(new ConnectionStream(far));
            try
            {
                await tls.AuthenticateAsServerAsync(Certificate);
                while (true)
                {
                    await ServeOneAsync(tls);
                }
            }
            catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
            {
                // The client has gone, which is how every test ends.
            }
        }

        private async Task ServeOneAsync(SslStream tls)
        {
            var head = new StringBuilder();
            byte[] one = new byte[1];
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            {
                await tls.ReadExactlyAsync(one);
                head.Append((char)one[0]);
            }

            string length = head.ToString().Split("\r\n").Single(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))[15..];
            byte[] body = new byte[int.Parse(length, CultureInfo.InvariantCulture)];
            await tls.ReadExactlyAsync(body);
            Requests.Enqueue((head.ToString(), body));
            byte[] answer = Answer(body);
            await tls.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {Status}\r\nContent-Type: {MediaType}\r\nContent-Length: {answer.Length}\r\n\r\n"));
            await tls.WriteAsync(answer);
        }
    }
}
