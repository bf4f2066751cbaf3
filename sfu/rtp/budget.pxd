cimport cython

cdef class Budget:
    cdef public double _per_second, _left, _refilled_at
    cdef public long long _burst

    @cython.locals(refill=double, granted="long long")
    cpdef long long take(self, long long wanted, double now)
