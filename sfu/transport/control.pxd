cimport cython

from sfu.rtp.extensions cimport Elements
from sfu.rtp.frame cimport Frame
from sfu.rtp.packet cimport Header
from sfu.transport.counters cimport Counters
from sfu.transport.estimation cimport Estimation
from sfu.transport.media_peer cimport MediaPeer
from sfu.transport.slab cimport Slab

cdef class Control:
    cdef public dict _peers, _drops, _lossy
    cdef public object _timers, _rng, ways
    cdef public Counters _counters
    cdef public Estimation estimation
    cdef public double _ntp_epoch, _nacks_at, _nacked_at
    cdef public Header _header
    cdef public Elements _elements
    cdef public Frame _frame

    @cython.locals(clear="long long", ssrc="long long")
    cpdef receive(self, MediaPeer peer, Slab slab, Py_ssize_t offset, Py_ssize_t length, double now)
    cdef _handle(self, MediaPeer peer, packet, double now)
