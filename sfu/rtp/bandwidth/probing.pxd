cimport cython

cdef class Probe:
    cdef public double rate, _began, _wanted, _first_sent, _last_sent, _first_arrival, _last_arrival
    cdef public long long _total, _first_number, _end, _arrived_packets, _arrived_bytes, _first_size, _last_sizes

    cpdef arrived(self, long long number, double sent, double arrival, long long size)

cdef class ProbePlan:
    cdef public double _before, _dropped_at, _fell_at, _probed_at
    cdef public bint _enough
    cdef public list _next

    cpdef bint may(self, double now)
