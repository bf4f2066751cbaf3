cimport cython

from sfu.rtp.bandwidth.restraint cimport Restraint
from sfu.rtp.bandwidth.sent cimport SentPackets
from sfu.rtp.extensions cimport Elements, Writer
from sfu.rtp.frame cimport Frame
from sfu.rtp.layers cimport Layers
from sfu.rtp.packet cimport Header, write_fixed
from sfu.rtp.seqmap cimport SequenceMap, TimestampMap
from sfu.transport.downlink cimport Downlink
from sfu.transport.incoming cimport Feed, IncomingStream
from sfu.transport.outbox cimport Outbox
from sfu.transport.retransmissions cimport Retransmissions
from sfu.transport.srtp cimport SrtpSession

cdef long long DEPENDENCY_DESCRIPTOR, FILL, FIXED_LENGTH, FORWARD, LAST_START, MAX_CLEAR, MAX_DATAGRAM, NO_CODEC, REFUSED

cdef class OutgoingStream:
    cdef public Downlink _downlink
    cdef public SentPackets _sent
    cdef public SequenceMap _sequences
    cdef public TimestampMap timestamps
    cdef public tuple _payload_types
    cdef public long long _frame, _ssrc, _strip_red
    cdef public bint _picture
    cdef public dict drops
    cdef public object peer, section, egress, mapping
    cdef public Feed feed
    cdef public IncomingStream source, target
    cdef public Layers layers
    cdef public Outbox outbox
    cdef public Restraint restraint
    cdef public Retransmissions retransmissions
    cdef public SrtpSession session
    cdef public Writer writer
    cdef public bint is_sound, started, switched_by_source
    cdef public long long octets, packets, reported_packets, padding_type, wanted_spatial, wanted_temporal
    cdef public double round_trip, routed_at

    cpdef bint carries(self, long long payload_type)
    cpdef leave(self)
    @cython.locals(
        layers=Layers, payload_type="long long", marker="long long", taken="long long", size=Py_ssize_t, sequence="long long",
        timestamp="long long", number="long long", extension=Py_ssize_t, at=Py_ssize_t, body=Py_ssize_t, end=Py_ssize_t,
        length=Py_ssize_t, protected="long long", start=Py_ssize_t,
    )
    cpdef long long forward(
        self, const unsigned char[::1] source, Header header, Elements elements, const unsigned char[::1] payload, Frame frame,
        long long extended, bint newest, double now
    )
    cdef long long _withhold(self, Header header, long long taken, SrtpSession session, long long payload_type, double now)
    cpdef long long seal(self, SrtpSession session, Py_ssize_t at, Py_ssize_t end, double now)
    cdef _look_at_frame(self, long long timestamp, Frame frame, double now)
    cdef _await_keyframe(self)
    cdef _leave_out(self, long long sequence)
    cpdef skip(self, long long sequence)
    cpdef long long wanted(self, long long sequence)
