cdef class Meter:
    cdef public long long[::1] octets, frames
    cdef public tuple rates
    cdef public double _since
