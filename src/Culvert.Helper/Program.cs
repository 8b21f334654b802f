using System;
using Culvert.Platform.Linux;
using Culvert.Platform.Steering;

if (ConfinementRequest.TryParse(args, out ConfinementRequest? request))
{
    return Confinement.Enter(request);
}

if (TunnelRequest.TryParse(args, out TunnelRequest? tunnel))
{
    return tunnel.Perform();
}

Console.Error.WriteLine("This is the helper of culvert, which starts it itself where it needs it. Try: culvert --help");
return 2;
