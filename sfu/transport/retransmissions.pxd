from sfu.rtp cimport wire
from sfu.rtp.extensions cimport Elements
from sfu.rtp.frame cimport Frame
from sfu.rtp.packet cimport Header, write_fixed
from sfu.rtp.rtx cimport write_original
from sfu.transport.outgoing cimport OutgoingStream

cdef class Retransmissions:
    cdef public object _resends
    cdef public long long _sequence

    cpdef long long resend(
        self, OutgoingStream media, long long sequence, const unsigned char[::1] source, Header header, Elements elements,
        const unsigned char[::1] payload, Frame frame, long long extended, double now
    )
    cpdef bint can_pad(self, OutgoingStream media)
    cpdef long long pad(self, OutgoingStream media, double now)
