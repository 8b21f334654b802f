using System;
using System.Globalization;
using Culvert.Core;
using Culvert.Platform.Interop;

namespace Culvert.Platform.Linux;

/// <summary>A user and its group, by their numbers.</summary>
public sealed record Account(uint User, uint Group)
{
    /// <summary>The user without any rights of its own.</summary>
    public static readonly Account Nobody = new(65534, 65534);

    /// <summary>Who asked root to run this: the one who typed sudo, else <see cref="Nobody"/>. Null when this process is not root.</summary>
    public static Account? Invoking
    {
        get
        {
            if (Libc.geteuid() != 0)
            {
                return null;
            }

            bool known = uint.TryParse(Environment.GetEnvironmentVariable("SUDO_UID"), CultureInfo.InvariantCulture, out uint user)
                & uint.TryParse(Environment.GetEnvironmentVariable("SUDO_GID"), CultureInfo.InvariantCulture, out uint group);
            return known && user != 0 && group != 0 ? new Account(user, group) : Nobody;
        }
    }

    /// <summary>The user that this process is.</summary>
    public static uint Current => Libc.geteuid();

    /// <summary>The user who asked for what this process does: the one who typed sudo, else its own.</summary>
    public static uint Asking => Invoking is { } account && account != Nobody ? account.User : Current;

    /// <summary>Makes the whole process this user's, for good: no other groups, no capabilities.</summary>
    /// <exception cref="CulvertException">Privilege.</exception>
    public unsafe void Become()
    {
        if (Libc.setgroups(0, null) < 0 || Libc.setresgid(Group, Group, Group) < 0 || Libc.setresuid(User, User, User) < 0)
        {
            throw Descriptors.Failure($"The engine could not become user {User}, and it does not run as root", FailureKind.Privilege);
        }
    }
}
