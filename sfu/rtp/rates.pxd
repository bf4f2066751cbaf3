cdef class Meter:
    cdef public list octets, frames
    cdef public tuple rates
    cdef public double _since
