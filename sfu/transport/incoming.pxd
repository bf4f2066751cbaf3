from sfu.rtp.dependency cimport Structures
from sfu.rtp.extensions cimport Reader
from sfu.rtp.frame cimport Frame
from sfu.rtp.history cimport History
from sfu.rtp.keyframes cimport KeyframeRequests
from sfu.rtp.rates cimport Meter
from sfu.rtp.receive_log cimport ReceiveLog

cdef class IncomingStream:
    cdef public long long ssrc, octets, timestamp, payload_type, picture_id, tl0, number, given_up, reported, report_timestamp
    cdef public Feed feed
    cdef public IncomingStream primary
    cdef public str rid
    cdef public bint ended, live, keeps_history, described, layered, keyframe_timer
    cdef public double heard_at, frame_interval
    cdef public tuple receivers, waiting, unable, sizes
    cdef public KeyframeRequests keyframes
    cdef public object report_ntp
    cdef public Structures structures
    cdef public Meter meter
    cdef public ReceiveLog log
    cdef public History history

    cpdef note(self, Frame frame, long long timestamp)

cdef class Feed:
    cdef public object peer, kind, section, selection, measured_at
    cdef public long long clock_rate, loudest
    cdef public list streams
    cdef public tuple receivers
    cdef public dict _asks, codecs, media_of_rtx, descriptors
    cdef public Reader reader
    cdef public bint asks_nack, is_simulcast, unnumbered
