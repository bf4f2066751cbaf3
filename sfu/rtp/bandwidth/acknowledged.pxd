cimport cython

cdef double _BUCKET, HELD_BACK
cdef long long STALL

cdef class AcknowledgedRate:
    cdef public double rate, _sent, _arrival
    cdef public long long _number, _bytes, _silent, _sum
    cdef public object _full

    @cython.locals(bucket=double)
    cpdef add(self, double sent, double arrival, long long size)
    cpdef found(self, double rate)
    @cython.locals(passed="long long")
    cdef _advance(self, long long number, double later)
    @cython.locals(silent="long long")
    cdef _finish(self)
    cdef _begin(self)
    cdef _push_silence(self, long long count)
    cdef _push(self, long long count)
