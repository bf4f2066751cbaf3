cimport cython

cdef double SMOOTHING

cdef class Trendline:
    cdef public double slope, _accumulated, _smoothed, _began
    cdef public long long count
    cdef public double[::1] _xs, _ys

    @cython.locals(place="long long", window="long long")
    cpdef add(self, double send_delta, double arrival_delta, double arrival)
    @cython.locals(
        xs="double[::1]", ys="double[::1]", place="long long", window="long long", first_x=double, first_y=double, x=double, y=double,
        sum_x=double, sum_y=double, sum_xx=double, sum_xy=double, below=double,
    )
    cdef double _fit(self)
