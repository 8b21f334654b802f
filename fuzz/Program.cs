using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Culvert.Fuzz;

const string Usage = """
    dotnet run --project fuzz -c Release -- TARGET… | all [--count N] [--seed S] [--input HEX]

    Feeds mutated inputs to parsers and state machines and checks what must hold after each.

    --count N     inputs for each target (default 1000000); 10_000_000 is taken too
    --seed S      where the random numbers start (default: another each time; it is printed)
    --input HEX   run just this input on a fresh target, and nothing mutated

    Exit code: 0 nothing found, 1 a failure (its seed and input are printed), 2 wrong usage.
    """;

if (args.Length == 0 || args.Contains("--help") || args.Contains("-h"))
{
    Console.WriteLine(Usage);
    Console.WriteLine("\nTargets:");
    foreach (FuzzTarget target in TargetList.All)
    {
        Console.WriteLine($"    {target.Name,-13} {target.Description}");
    }

    return args.Length == 0 ? 2 : 0;
}

List<FuzzTarget> targets = [];
long count = 1_000_000;
ulong seed = (ulong)DateTime.UtcNow.Ticks;
byte[]? single = null;
for (int i = 0; i < args.Length; i++)
{
    string value = i + 1 < args.Length ? args[i + 1].Replace("_", "", StringComparison.Ordinal) : "";
    bool understood;
    switch (args[i])
    {
        case "--count":
            understood = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count > 0;
            i++;
            break;
        case "--seed":
            understood = ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out seed);
            i++;
            break;
        case "--input":
            understood = value.Length % 2 == 0 && value.All(char.IsAsciiHexDigit);
            single = understood ? Convert.FromHexString(value) : null;
            i++;
            break;
        case "all":
            targets.AddRange(TargetList.All);
            understood = true;
            break;
        default:
            FuzzTarget? named = TargetList.All.FirstOrDefault(t => t.Name == args[i]);
            understood = named is not null;
            targets.AddRange(named is null ? [] : [named]);
            break;
    }

    if (!understood)
    {
        Console.Error.WriteLine($"fuzz: cannot make sense of '{args[Math.Min(i, args.Length - 1)]}'; --help lists the targets and options");
        return 2;
    }
}

if (single is not null)
{
    foreach (FuzzTarget target in targets)
    {
        IFuzzTarget running = target.Start(seed);
        running.Run(single);
        running.Finish();
        Console.WriteLine($"{target.Name}: nothing found");
    }

    return 0;
}

bool clean = true;
foreach (FuzzTarget target in targets)
{
    clean &= new Runner(target, seed, count).Run();
}

return clean ? 0 : 1;
