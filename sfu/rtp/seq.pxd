cpdef bint newer(long long a, long long b)
cpdef long long distance(long long a, long long b)
cpdef bint newer32(long long a, long long b)
cpdef long long distance32(long long a, long long b)

cdef class Unroller:
    cdef public bint _started
    cdef public long long highest

    cpdef long long unroll(self, long long sequence)
