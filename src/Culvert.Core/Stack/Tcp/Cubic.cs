using System;

namespace Culvert.Core.Stack.Tcp;

/// <summary>
/// CUBIC congestion control (RFC 9438), in bytes and microseconds: how much may be in flight. What is lost, and when recovery begins and
/// ends, is decided by the flow.
/// </summary>
internal struct Cubic
{
    /// <summary>Multiplicative decrease (section 4.6).</summary>
    public const double Beta = 0.7;

    private const double C = 0.4;

    private int _mss;
    private double _maxWindow; // W_max, in segments
    private double _k;
    private double _estimate; // W_est, in segments
    private double _prior; // the window before the last reduction, in segments
    private long _epoch;
    private double _fraction; // bytes of growth not yet worth a whole byte

    /// <summary>A window for segments of <paramref name="mss"/> bytes, ten of them at first (RFC 6928).</summary>
    public Cubic(int mss)
    {
        _mss = mss;
        Window = InitialWindow(mss);
        SlowStartThreshold = int.MaxValue;
    }

    /// <summary>Bytes that may be in flight.</summary>
    public int Window { get; set; }

    /// <summary>Below it the window grows by what is acknowledged.</summary>
    public int SlowStartThreshold { get; set; }

    public readonly bool InSlowStart => Window < SlowStartThreshold;

    /// <summary>RFC 6928 section 2.</summary>
    public static int InitialWindow(int mss) => Math.Min(10 * mss, Math.Max(2 * mss, 14_600));

    /// <summary>The path takes smaller segments now; the bytes in flight stay what they are.</summary>
    public void SetSegmentSize(int mss)
    {
        double scale = (double)_mss / mss;
        _maxWindow *= scale;
        _estimate *= scale;
        _prior *= scale;
        _mss = mss;
        Window = Math.Max(Window, mss);
    }

    /// <summary><paramref name="bytes"/> were acknowledged outside of recovery while the window was what held us back.</summary>
    public void Acknowledged(int bytes, long now, long rtt, int limit)
    {
        if (InSlowStart)
        {
            int growth = Math.Min(bytes, SlowStartThreshold - Window);
            Window = Math.Min(Window + growth, limit);
            bytes -= growth;
            if (bytes == 0)
            {
                return;
            }
        }

        if (_epoch == 0)
        {
            BeginEpoch(now);
        }

        double window = (double)Window / _mss;
        double acked = (double)bytes / _mss;
        double t = (now - _epoch + rtt) / 1e6;
        double target = Math.Clamp(_maxWindow + (C * Cube(t - _k)), window, 1.5 * window);
        double alpha = _estimate < _prior ? 3 * (1 - Beta) / (1 + Beta) : 1;
        _estimate += alpha * acked / window;
        double growthBytes = (target - window) / window * acked * _mss;
        if (_estimate > window + (growthBytes / _mss))
        {
            growthBytes = (_estimate - window) * _mss; // Reno-friendly region, section 4.3
        }

        growthBytes = Math.Min(growthBytes, bytes) + _fraction;
        int whole = (int)growthBytes;
        _fraction = growthBytes - whole;
        Window = Math.Min(Window + whole, limit);
    }

    /// <summary>A loss: sets the threshold; the window follows it by the flow's recovery.</summary>
    public void Reduce()
    {
        double window = (double)Window / _mss;
        _maxWindow = window < _maxWindow ? window * (1 + Beta) / 2 : window; // fast convergence, section 4.7
        _prior = window;
        SlowStartThreshold = Math.Max((int)(Window * Beta), 2 * _mss);
        _epoch = 0;
    }

    /// <summary>The sender was idle: what it knew of the path has aged (RFC 5681 section 4.1).</summary>
    public void Restart()
    {
        Window = Math.Min(Window, InitialWindow(_mss));
        _epoch = 0;
    }

    private static double Cube(double x) => x * x * x;

    private void BeginEpoch(long now)
    {
        double window = (double)Window / _mss;
        _epoch = now;
        _estimate = window;
        if (_maxWindow <= window)
        {
            _maxWindow = window; // never reduced, or grown beyond: the convex part starts here
            _k = 0;
        }
        else
        {
            _k = Math.Cbrt((_maxWindow - window) / C);
        }
    }
}
