cimport cython

cdef double GAIN, RISE, FALL, OUTLIER, MAX_STEP, OVERUSE_TIME
cdef long long MAX_COUNT

cdef class OveruseDetector:
    cdef public object usage
    cdef public double threshold, _slope, _overused_for, _adapted_at
    cdef public long long _counter

    @cython.locals(delay=double)
    cpdef update(self, double slope, long long count, double send_delta, double arrival)
    @cython.locals(step=double, speed=double)
    cdef _adapt(self, double delay, double arrival)
