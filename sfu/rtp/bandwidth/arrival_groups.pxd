cimport cython

cdef double BURST, MAX_BURST

cdef class ArrivalGroups:
    cdef public double send_delta, arrival_delta
    cdef public double _first_sent, _sent, _first_arrival, _arrived, _previous_sent, _previous_arrived
    cdef public long long _reordered

    cpdef bint add(self, double sent, double arrival)
    cdef _reset(self)
    cdef _begin(self, double sent, double arrival)
    @cython.locals(arrival_gap=double, queued=bint)
    cdef bint _is_over(self, double sent, double arrival)
    @cython.locals(arrival_delta=double)
    cdef bint _measure(self)
