using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;

namespace Culvert.Core.Dns;

/// <summary>
/// Which name stands behind which fake address. A name has one place, which is one IPv4 and one IPv6 address; places are given in order, and when all are
/// taken, the one used the longest ago is given anew, unless it was used within <see cref="FakeAddressOptions.MinimumAge"/>. Being asked for and being
/// found by its address both count as use. Times are microseconds of one monotonic clock. Not safe for use from two threads at a time.
/// </summary>
public sealed class FakeAddressTable
{
    private const int None = -1;

    private readonly FakeAddressOptions _options;
    private readonly uint _firstV4;
    private readonly UInt128 _firstV6;
    private readonly Dictionary<string, int> _places = [];
    private readonly List<Place> _entries = [];
    private int _oldest = None;
    private int _newest = None;

    /// <summary>An empty table.</summary>
    /// <exception cref="ArgumentException">A block is of the wrong family, or does not hold the capacity besides what is reserved.</exception>
    public FakeAddressTable(FakeAddressOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Capacity, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Reserved);
        ArgumentOutOfRangeException.ThrowIfNegative(options.MinimumAge);
        if (options.BlockV4.BaseAddress.AddressFamily != AddressFamily.InterNetwork || options.BlockV6.BaseAddress.AddressFamily != AddressFamily.InterNetworkV6)
        {
            throw new ArgumentException("One block must be IPv4 and the other IPv6.", nameof(options));
        }

        // The last address of an IPv4 block is its broadcast address.
        UInt128 needed = (UInt128)options.Reserved + (UInt128)options.Capacity + 1;
        UInt128 hosts = UInt128.One << Math.Min(32 - options.BlockV4.PrefixLength, 128 - options.BlockV6.PrefixLength);
        if (hosts < needed)
        {
            throw new ArgumentException("A block is too small for the capacity.", nameof(options));
        }

        _options = options;
        _firstV4 = ReadV4(options.BlockV4.BaseAddress) + (uint)options.Reserved;
        _firstV6 = ReadV6(options.BlockV6.BaseAddress) + (uint)options.Reserved;
    }

    /// <summary>How many names have an address now.</summary>
    public int Count => _entries.Count;

    /// <summary>How long a client may keep an address, in seconds.</summary>
    public uint Ttl => _options.Ttl;

    /// <summary>True when <paramref name="address"/> is in one of the blocks, given to a name or not.</summary>
    public bool Covers(IPAddress address) => _options.BlockV4.Contains(address) || _options.BlockV6.Contains(address);

    /// <summary>
    /// The addresses of <paramref name="name"/>, the same ones while it keeps its place. False when it has none and every place was used too recently to be given anew.
    /// </summary>
    public bool TryGive(string name, long now, out FakeAddresses addresses)
    {
        if (!_places.TryGetValue(name, out int place))
        {
            if (_entries.Count < _options.Capacity)
            {
                place = _entries.Count;
                _entries.Add(new Place { Name = name, Older = None, Newer = None });
                Append(place);
            }
            else if (now - _entries[_oldest].Used >= _options.MinimumAge)
            {
                place = _oldest;
                _places.Remove(_entries[place].Name);
                _entries[place].Name = name;
            }
            else
            {
                addresses = default;
                return false;
            }

            _places.Add(name, place);
        }

        Touch(place, now);
        addresses = At(place);
        return true;
    }

    /// <summary>The name that <paramref name="address"/> was given to; false for an address that nobody has.</summary>
    public bool TryFind(IPAddress address, long now, out string? name)
    {
        int place = PlaceOf(address);
        if (place == None)
        {
            name = null;
            return false;
        }

        Touch(place, now);
        name = _entries[place].Name;
        return true;
    }

    private static uint ReadV4(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[4];
        address.TryWriteBytes(bytes, out _);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }

    private static UInt128 ReadV6(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private FakeAddresses At(int place)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, _firstV4 + (uint)place);
        var v4 = new IPAddress(bytes[..4]);
        BinaryPrimitives.WriteUInt128BigEndian(bytes, _firstV6 + (uint)place);
        return new FakeAddresses(v4, new IPAddress(bytes));
    }

    private int PlaceOf(IPAddress address)
    {
        if (!Covers(address))
        {
            return None;
        }

        // An address below the first wraps round to a number that no table is large enough for.
        UInt128 distance = address.AddressFamily == AddressFamily.InterNetwork ? unchecked(ReadV4(address) - _firstV4) : unchecked(ReadV6(address) - _firstV6);
        return distance < (UInt128)_entries.Count ? (int)distance : None;
    }

    private void Touch(int place, long now)
    {
        _entries[place].Used = now;
        if (place != _newest)
        {
            Detach(place);
            Append(place);
        }
    }

    private void Append(int place)
    {
        Place entry = _entries[place];
        entry.Older = _newest;
        entry.Newer = None;
        if (_newest == None)
        {
            _oldest = place;
        }
        else
        {
            _entries[_newest].Newer = place;
        }

        _newest = place;
    }

    /// <summary>Takes a place that is not the newest out of the order.</summary>
    private void Detach(int place)
    {
        Place entry = _entries[place];
        _entries[entry.Newer].Older = entry.Older;
        if (entry.Older == None)
        {
            _oldest = entry.Newer;
        }
        else
        {
            _entries[entry.Older].Newer = entry.Newer;
        }
    }

    private sealed class Place
    {
        public required string Name { get; set; }

        public long Used { get; set; }

        public int Older { get; set; }

        public int Newer { get; set; }
    }
}
