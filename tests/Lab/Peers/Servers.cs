using System;
using System.IO;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Culvert.Tests.Lab.Peers;

/// <summary>The real servers of the lab: programs of the distribution, started on a host and ready when the method returns; disposing ends them.</summary>
public static class Servers
{
    private static readonly TimeSpan Forever = TimeSpan.FromHours(1);

    private static CommandOptions Lasting => new() { TimeOut = Forever };

    /// <summary>microsocks: SOCKS5 with TCP only.</summary>
    public static Command Microsocks(Host host, int port = 1080, string? user = null, string? password = null)
        => Started(host, user is null ? ["microsocks", "-p", $"{port}"] : ["microsocks", "-p", $"{port}", "-u", user, "-P", password!], port);

    /// <summary>Dante: SOCKS5 with TCP and UDP ASSOCIATE. With a user, the machine's users are replaced in its mount namespace only.</summary>
    public static Command Dante(LabNetwork network, Host host, int port = 1080, string? user = null, string? password = null)
    {
        string directory = Directory.CreateDirectory(Path.Combine(network.Temporary, $"dante-{port}")).FullName;
        File.WriteAllText(Path.Combine(directory, "conf"), $$"""
            logoutput: stderr
            internal: eth0 port = {{port}}
            external: eth0
            external.rotation: route
            clientmethod: none
            socksmethod: {{(user is null ? "none" : "username")}}
            user.privileged: root
            user.unprivileged: root
            client pass { from: 0/0 to: 0/0 }
            socks pass { from: 0/0 to: 0/0 protocol: tcp udp }

            """);
        string run = $"exec danted -f {directory}/conf";
        if (user is not null)
        {
            File.WriteAllText(Path.Combine(directory, "passwd"), $"root:x:0:0:root:/:/bin/sh\n{user}:x:4242:4242::/:/bin/sh\n");
            string hash = LabNetwork.System($"openssl passwd -6 '{password}'").Trim();
            File.WriteAllText(Path.Combine(directory, "shadow"), $"root:*:20000::::::\n{user}:{hash}:20000::::::\n");
            run = $"mount --bind {directory}/passwd /etc/passwd && mount --bind {directory}/shadow /etc/shadow && {run}";
        }

        return Started(host, ["unshare", "-m", "bash", "-c", run], port);
    }

    /// <summary>nginx on 8080 (HTTP) and 8443 (HTTPS with HTTP/2): a 1 KiB page <c>/</c>, and <c>/dns-query</c> handed to the lab's own server on port 80.</summary>
    public static Command Nginx(LabNetwork network, Host host)
    {
        string directory = Directory.CreateDirectory(Path.Combine(network.Temporary, "nginx")).FullName;
        (string certificate, string key) = Certificate(network);
        File.WriteAllText(Path.Combine(directory, "index.html"), new string('x', 1023) + "\n");
        File.WriteAllText(Path.Combine(directory, "conf"), $$"""
            daemon off;
            user root;
            pid {{directory}}/pid;
            error_log stderr;
            worker_processes 1;
            events { worker_connections 1024; }
            http {
                access_log off;
                client_body_temp_path {{directory}}/body;
                proxy_temp_path {{directory}}/proxy;
                fastcgi_temp_path {{directory}}/fastcgi;
                uwsgi_temp_path {{directory}}/uwsgi;
                scgi_temp_path {{directory}}/scgi;
                keepalive_requests 1000000;
                server {
                    listen 8080;
                    listen [::]:8080;
                    listen 8443 ssl http2;
                    listen [::]:8443 ssl http2;
                    ssl_certificate {{certificate}};
                    ssl_certificate_key {{key}};
                    root {{directory}};
                    location /dns-query { proxy_pass http://127.0.0.1:80; proxy_http_version 1.1; }
                }
            }

            """);
        return Started(host, ["nginx", "-p", directory, "-c", $"{directory}/conf", "-e", "stderr"], 8443);
    }

    /// <summary>git's own server on 9418 with one repository, <c>/repository</c>, of a few commits and one file of 3 MB.</summary>
    public static Command Git(LabNetwork network, Host host)
    {
        string directory = Path.Combine(network.Temporary, "git");
        if (!Directory.Exists(directory))
        {
            string repository = Directory.CreateDirectory(Path.Combine(directory, "repository")).FullName;
            string git = $"git -C {repository} -c user.name=lab -c user.email=lab@lab.example -c commit.gpgsign=false";
            LabNetwork.System($"git init -q {repository} && head -c 3000000 {Payload.WriteBlock(network.Temporary)} > {repository}/data && {git} add data && {git} commit -q -m 'One file'");
            LabNetwork.System($"for i in 1 2 3; do {git} commit -q --allow-empty -m \"Commit $i\"; done");
        }

        return Started(host, ["git", "daemon", "--export-all", "--reuseaddr", $"--base-path={directory}", "--port=9418"], 9418);
    }

    /// <summary>iperf3 on 5201.</summary>
    public static Command Iperf(Host host) => Started(host, ["iperf3", "-s"], 5201);

    /// <summary>The lab's certificate and its key, as files: for every name and address of the internet host, signed by itself.</summary>
    public static (string Certificate, string Key) Certificate(LabNetwork network)
    {
        string certificate = Path.Combine(network.Temporary, "certificate.pem");
        string key = Path.Combine(network.Temporary, "key.pem");
        if (!File.Exists(certificate))
        {
            using ECDsa pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            CertificateRequest request = new("CN=lab.example", pair, HashAlgorithmName.SHA256);
            SubjectAlternativeNameBuilder names = new();
            names.AddDnsName("web.lab.example");
            names.AddDnsName("v4.lab.example");
            names.AddIpAddress(network.Internet.V4);
            names.AddIpAddress(network.Internet.V6);
            request.CertificateExtensions.Add(names.Build());
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
            File.WriteAllText(certificate, made.ExportCertificatePem());
            File.WriteAllText(key, pair.ExportPkcs8PrivateKeyPem());
        }

        return (certificate, key);
    }

    private static Command Started(Host host, string[] line, int port)
    {
        Command command = host.Start(line, Lasting);
        try
        {
            host.WaitForListener(port, command);
            return command;
        }
        catch
        {
            command.Dispose();
            throw;
        }
    }
}
