cimport cython

from sfu.rtp.arrival_log cimport ArrivalLog
from sfu.rtp cimport wire

cdef long long _PROFILE

cdef class Arrivals:
    cdef public long long _head, _ssrc
    cdef public ArrivalLog _log

    @cython.locals(at="long long", profile="long long", words="long long", end="long long", head="long long")
    cpdef note(self, const unsigned char[::1] view, long long start, long long ssrc, long long arrived_ns)
    cpdef list feedback(self, report_ssrc)
