cimport cython

cdef long long SLOT

cdef class SentPackets:
    cdef public long long next, total
    cdef public double[::1] _sent
    cdef public long[::1] _sizes

    @cython.locals(number="long long", slot="long long")
    cpdef long long note(self, long long size, double now)
    cpdef long long extend(self, long long number)
    cpdef bint known(self, long long number)
    cpdef double sent_at(self, long long number)
    @cython.locals(slot="long long", size="long long")
    cpdef long long take(self, long long number)
    @cython.locals(slot="long long", size="long long")
    cpdef bint lose(self, long long number)
