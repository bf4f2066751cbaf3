cimport cython

from sfu.transport.counters cimport Counters
from sfu.transport.downlink cimport Downlink
from sfu.transport.media_peer cimport MediaPeer
from sfu.transport.outgoing cimport OutgoingStream

cdef class Estimation:
    cdef public dict _peers, changed
    cdef public object _timers, _send, _report_soon, _sender_cap
    cdef public Counters _counters
    cdef public bint _telling

    cpdef feedback(self, MediaPeer peer, packet, double now)
    cpdef reported(self, MediaPeer peer, long long packets, double fraction_lost, double now)
    cdef _look(self, MediaPeer peer, double now)
    @cython.locals(downlink=Downlink, stream=OutgoingStream, pictures="long long", can_pad=bint)
    cdef _probe(self, MediaPeer peer, double now)

@cython.locals(stream=OutgoingStream)
cdef bint _known(MediaPeer peer, double now)
cdef bint _can_pad(OutgoingStream stream)
