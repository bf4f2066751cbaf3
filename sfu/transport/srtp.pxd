from sfu.transport cimport native

cdef size_t _protect, _unprotect, _protect_rtcp, _unprotect_rtcp

cdef class SrtpSession:
    cdef size_t _context
    cdef object _session
    cdef public long long rtp_trailer, rtcp_trailer

    cpdef long long unprotect(self, size_t address, long long length)
    cpdef long long unprotect_rtcp(self, size_t address, long long length)
    cpdef long long protect(self, size_t address, long long length, long long capacity)
    cpdef long long protect_rtcp(self, size_t address, long long length, long long capacity)
