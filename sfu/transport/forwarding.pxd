cimport cython

from sfu.rtp.extensions cimport Elements
from sfu.rtp.frame cimport Frame
from sfu.rtp.history cimport History
from sfu.rtp.packet cimport Header
from sfu.rtp.rates cimport Meter
from sfu.rtp.receive_log cimport ReceiveLog
from sfu.rtp cimport descriptors
from sfu.transport.control cimport Control
from sfu.transport.counters cimport Counters
from sfu.transport.incoming cimport Feed, IncomingStream
from sfu.transport.media_peer cimport MediaPeer
from sfu.transport.outgoing cimport OutgoingStream

cdef long long AUDIO_LEVEL, DEPENDENCY_DESCRIPTOR, NEW, RECOVERED, RESTARTED, _HAS_DESCRIPTOR, _HAS_LEVEL
cdef double NEVER

cdef class Forwarding:
    cdef public dict _peers, _counts
    cdef public object _rates, _loudness, _on_bug
    cdef public Control _control
    cdef public Counters _counters
    cdef public Header header
    cdef public Elements elements
    cdef public Frame _frame
    cdef public list first

    @cython.locals(
        header=Header, log=ReceiveLog, elements=Elements, history=History, frame=Frame, counters=Counters, receiver=OutgoingStream,
        sequence="long long", verdict="long long", extended="long long", sent="long long", sent_bytes="long long",
        size="long long", start=Py_ssize_t, payload_length=Py_ssize_t, receivers=tuple, loudness="long long", codec=object,
    )
    cpdef receive(
        self, MediaPeer peer, Feed feed, IncomingStream stream, const unsigned char[::1] view, Py_ssize_t offset,
        Py_ssize_t length, bint repaired, double now
    )
    @cython.locals(meter=Meter, layer="long long", header=Header, elements=Elements, frame=Frame)
    cdef Frame _look(self, IncomingStream stream, long long codec, const unsigned char[::1] view, Py_ssize_t start, bint newest)
    cdef _look_for_keyframe(
        self, MediaPeer peer, Feed feed, IncomingStream stream, long long codec, const unsigned char[::1] view, Py_ssize_t start,
        Frame frame, double now
    )
    cdef _look_above(self, Feed feed, IncomingStream stream, double now)
    cdef _count_untaken(self, Feed feed, IncomingStream stream)
    cdef _restart(self, Feed feed, IncomingStream stream)
    cdef bint _arrive(self, MediaPeer peer, Feed feed, IncomingStream stream, double now)
    cdef _start(self, MediaPeer peer, OutgoingStream receiver, double now)
