cdef class Slab:
    cdef public long long size
    cdef public object pointer, view
    cdef public size_t address
    cdef public unsigned char[::1] data
