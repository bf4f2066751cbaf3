cdef class Restraint:
    cdef public bint left_out, held
    cdef public long long thinned
    cdef public double _sooner

    cpdef release(self)
