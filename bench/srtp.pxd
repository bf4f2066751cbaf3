cimport cython

from sfu.transport.slab cimport Slab
from sfu.transport.srtp cimport SrtpSession

cdef Slab _rtcp

cdef class Srtp:
    cdef SrtpSession _sending, _receiving

    @cython.locals(changed="long long")
    cpdef protect(self, size_t address, long long length)
    @cython.locals(changed="long long")
    cpdef unprotect(self, size_t address, long long length)
    @cython.locals(changed="long long", length="long long")
    cpdef bytes protect_rtcp(self, bytes packet)
    @cython.locals(changed="long long")
    cpdef unprotect_rtcp(self, size_t address, long long length)
