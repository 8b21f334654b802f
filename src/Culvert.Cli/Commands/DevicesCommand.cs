using System;
using System.CommandLine;
using System.Globalization;
using System.Linq;
using Culvert.Core;
using Culvert.Trust;

namespace Culvert.Cli.Commands;

/// <summary><c>culvert devices</c>: whom this machine is paired with, devices that leave through it and gateways that it leaves through.</summary>
internal static class DevicesCommand
{
    public const string Name = "devices";

    private static readonly Argument<string> Peer = new("NAME") { Description = "What it is called" };

    private static readonly Argument<string> NewName = new("NEW-NAME") { Description = "What it is to be called" };

    private static readonly Option<bool> Gateway = new("--gateway") { Description = "A gateway is meant, where a device has the same name" };

    private static readonly Option<bool> Device = new("--device") { Description = "A device is meant, where a gateway has the same name" };

    public static Command Declaration { get; } = Declare();

    private static Command Declare()
    {
        Command list = new("list", "Show the devices that may leave through this machine, and the gateways that it may leave through");
        list.SetAction(static _ => List());
        Command rename = new("rename", "Give one another name") { Peer, NewName, Gateway, Device };
        rename.SetAction(static parsed => Change(parsed, static (store, peer, parsed) => store.Rename(peer.Kind, peer.Name, parsed.GetValue(NewName)!)));
        Command revoke = new("revoke", "Trust one no longer; the sessions of a device end at once") { Peer, Gateway, Device };
        revoke.SetAction(static parsed => Change(parsed, static (store, peer, _) => store.Revoke(peer.Kind, peer.Name)));
        return new Command(Name, "List, rename or revoke the devices and gateways that this machine is paired with") { list, rename, revoke };
    }

    private static int List()
    {
        using TrustStore store = OwnKeys.OpenStore(static _ => { });
        if (store.Peers.Count == 0)
        {
            Messages.Error("this machine is paired with nobody yet");
            return ExitCodes.Ok;
        }

        int width = store.Peers.Max(static peer => peer.Name.Length);
        foreach (TrustedPeer peer in store.Peers.OrderBy(static peer => peer.Kind).ThenBy(static peer => peer.Name, StringComparer.OrdinalIgnoreCase))
        {
            string kind = peer.Kind == PeerKind.Device ? "device " : "gateway";
            string seen = peer.LastSeen is { } last ? last.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) : "never";
            string more = string.Join(", ", peer.Addresses.Concat(peer.Rules));
            Console.Out.WriteLine($"{kind}  {peer.Name.PadRight(width)}  {peer.Key}  last seen {seen}{(more.Length > 0 ? $"  {more}" : "")}");
        }

        return ExitCodes.Ok;
    }

    private static int Change(ParseResult parsed, Action<TrustStore, TrustedPeer, ParseResult> change)
    {
        using TrustStore store = OwnKeys.OpenStore(static _ => { });
        change(store, Find(store, parsed.GetValue(Peer)!, parsed.GetValue(Device), parsed.GetValue(Gateway)), parsed);
        return ExitCodes.Ok;
    }

    private static TrustedPeer Find(TrustStore store, string name, bool isDevice, bool isGateway)
    {
        TrustedPeer? device = isGateway ? null : store.Find(PeerKind.Device, name);
        TrustedPeer? gateway = isDevice ? null : store.Find(PeerKind.Gateway, name);
        if (device is not null && gateway is not null)
        {
            throw new CulvertException(FailureKind.Usage, $"There are a device and a gateway called '{name}'; say --device or --gateway.");
        }

        string[] known = [.. store.Peers.Where(p => (p.Kind == PeerKind.Device && !isGateway) || (p.Kind == PeerKind.Gateway && !isDevice)).Select(static p => p.Name)];
        return device ?? gateway ?? throw new CulvertException(
            FailureKind.Usage, $"There is no {(isDevice ? "device" : isGateway ? "gateway" : "device or gateway")} '{name}'{(known.Length > 0 ? $"; there are {string.Join(", ", known)}" : "")}.");
    }
}
