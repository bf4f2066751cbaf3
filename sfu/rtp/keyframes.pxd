cdef class KeyframeRequests:
    cdef public bint wanted
    cdef public double _requested_at
    cdef public long long _tries
