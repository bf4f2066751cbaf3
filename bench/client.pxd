cimport cython

from bench.arrivals cimport Arrivals
from bench.incoming cimport Incoming
from sfu.rtp cimport wire

cdef class Client:
    cdef public object _certificate, _ufrag, _pwd, _ice, address, _dtls, cname, srtp, profile, numbers
    cdef public object _report_ssrc
    cdef public double _dtls_due, _report_due
    cdef public list sends
    cdef public dict incoming, outgoing, unknown
    cdef public set repairs
    cdef public Arrivals _arrivals
    cdef public long long nacks

    @cython.locals(view="unsigned char[::1]", slot="long long", length="long long", arrived_ns="long long")
    cpdef take(self, batch, list came, double now)
    @cython.locals(start="long long", sequence="long long", timestamp="long long", ssrc="long long", stream=Incoming)
    cdef _take(self, batch, unsigned char[::1] view, long long slot, long long length, long long arrived_ns, double now)
