using System;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;

namespace Culvert.Cli.Decoy;

/// <summary>An ordinary web server (Kestrel) on a Unix socket in a directory that only this user may enter: files of a directory, or one plain page.</summary>
internal sealed class WebServer : IAsyncDisposable
{
    private static readonly byte[] Page = Encoding.ASCII.GetBytes("<!DOCTYPE html>\n<html>\n<head><title>Welcome</title></head>\n<body><h1>It works!</h1></body>\n</html>\n");

    private static readonly byte[] NotFound = Encoding.ASCII.GetBytes("<!DOCTYPE html>\n<html>\n<head><title>404 Not Found</title></head>\n<body><h1>Not Found</h1></body>\n</html>\n");

    private readonly WebApplication _application;
    private readonly string _folder;

    private WebServer(WebApplication application, string folder)
    {
        _application = application;
        _folder = folder;
    }

    /// <summary>The path of its socket.</summary>
    public string Socket => SocketIn(_folder);

    /// <summary>Starts one that shows the files of <paramref name="directory"/>; null for a plain page.</summary>
    public static async Task<WebServer> StartAsync(string? directory)
    {
        string folder = Directory.CreateTempSubdirectory("culvert-web-").FullName;
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, OurLifetime>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => options.ListenUnixSocket(SocketIn(folder)));
        WebApplication application = builder.Build();
        if (directory is not null)
        {
            application.UseFileServer(new FileServerOptions { FileProvider = new PhysicalFileProvider(directory), EnableDirectoryBrowsing = false });
        }

        application.Run(directory is null ? AnswerAsync : static context => SayAsync(context, StatusCodes.Status404NotFound, NotFound));
        await application.StartAsync();
        return new WebServer(application, folder);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static string SocketIn(string folder) => Path.Combine(folder, "socket");

    private static Task AnswerAsync(HttpContext context) => context.Request.Path.Value is "/" or "/index.html"
        ? SayAsync(context, StatusCodes.Status200OK, Page)
        : SayAsync(context, StatusCodes.Status404NotFound, NotFound);

    private static async Task SayAsync(HttpContext context, int status, byte[] body)
    {
        bool isRead = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
        context.Response.StatusCode = isRead ? status : StatusCodes.Status405MethodNotAllowed;
        if (!isRead)
        {
            context.Response.Headers.Allow = "GET, HEAD";
            return;
        }

        context.Response.ContentType = "text/html";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    /// <summary>The command's own: signals are its affair.</summary>
    private sealed class OurLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
