using System;
using Culvert.Platform.Linux;

if (!ConfinementRequest.TryParse(args, out ConfinementRequest? request))
{
    Console.Error.WriteLine("This is the helper of culvert, which starts it itself where it needs it. Try: culvert --help");
    return 2;
}

return Confinement.Enter(request);
