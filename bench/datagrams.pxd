cimport cython

from sfu.transport cimport native
from sfu.transport.slab cimport Slab

cdef size_t _recvmmsg

cdef class Batch:
    cdef public Slab _slab
    cdef public object view, data, _messages, _vectors, _control
    cdef public list addresses
    cdef size_t _headers
    cdef unsigned int[:] _lengths
    cdef unsigned long long[:] _rooms
    cdef long long[:] _seconds, _nanoseconds

    @cython.locals(count="long long", slot="long long")
    cpdef list receive(self, int descriptor)
    cpdef long long receive_raw(self, int descriptor)
    @cython.locals(slot="long long")
    cpdef list lengths(self, long long count)
