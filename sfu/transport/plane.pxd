cimport cython

from sfu.rtp cimport wire
from sfu.rtp.extensions cimport Elements
from sfu.rtp.packet cimport Header, is_rtcp, parse
from sfu.transport.control cimport Control
from sfu.transport.counters cimport Counters
from sfu.transport.forwarding cimport Forwarding
from sfu.transport.incoming cimport Feed, IncomingStream
from sfu.transport.media_peer cimport MediaPeer
from sfu.transport.outbox cimport Outboxes
from sfu.transport.slab cimport Slab
from sfu.transport.srtp cimport SrtpSession

cdef long long MAX_DATAGRAM, MAX_PICTURES, NOTHING, OSN_LENGTH, TRANSPORT_CC, _HAS_NUMBER, _LEAST

cdef class Plane:
    cdef public object drops, _clock, _receiver_cap, _on_bug, _rng, _timers, _sections
    cdef public Control _control
    cdef public Counters counters
    cdef public object bugs
    cdef public dict _counts, _peers
    cdef public Outboxes _outboxes
    cdef public list _reports
    cdef public Forwarding _forwarding
    cdef public Header _header
    cdef public Elements _elements

    @cython.locals(
        state=MediaPeer, inbound=SrtpSession, stream=IncomingStream, feed=Feed, header=Header, elements=Elements,
        counters=Counters, counts=dict, ssrc="long long", clear="long long", number_at="long long", start="long long",
    )
    cpdef receive(self, object peer, Slab slab, Py_ssize_t offset, Py_ssize_t length, double now)
    cpdef flush(self, double since)
    cdef long long _hand_over(self) except -1
