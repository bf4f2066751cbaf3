cimport cython

cdef class Allowance:
    cdef public double _queue, _at
    cdef public long long _total

    cpdef double fill(self, long long total, double rate, double now)
    @cython.locals(passed=double, queue=double)
    cdef double _update(self, long long total, double rate, double now)
