cimport cython

from sfu.rtp cimport wire

cdef class Incoming:
    cdef public long long ssrc, received, octets, reordered, checked, corrupt, refused, source
    cdef public object first_arrived_ns, _first, _latencies
    cdef public bint _video
    cdef public long long _open_one_in, _clock, _highest, _timestamp, _transit, _last_sr
    cdef public double _jitter, _last_sr_at
    cdef public tuple _reported

    @cython.locals(ahead="long long")
    cpdef bint arrive(self, long long sequence, long long timestamp, long long arrived_ns, long long length=*)
    @cython.locals(content="long long", trailer=tuple)
    cpdef check(self, const unsigned char[::1] view, long long start, long long end, long long arrived_ns)
    @cython.locals(first="long long", at="long long")
    cdef long long _content(self, const unsigned char[::1] view, long long start)
    @cython.locals(seconds="long long", rest="long long", transit="long long", change="long long")
    cdef _observe_transit(self, long long timestamp, long long arrived_ns)

@cython.locals(extra="long long", size="long long")
cpdef long long vp8_descriptor_size(const unsigned char[::1] view, long long at)
