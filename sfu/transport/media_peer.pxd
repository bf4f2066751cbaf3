from sfu.rtp.arrival_log cimport ArrivalLog
from sfu.rtp.budget cimport Budget
from sfu.transport.downlink cimport Downlink
from sfu.transport.outbox cimport Outbox
from sfu.transport.srtp cimport SrtpSession

cdef class MediaPeer:
    cdef public object number, unnumbered, pictures, ssrcs, report_ssrc, report_at
    cdef public Budget reporting, named, statuses
    cdef public object fir_number, arrivals_told, _clock_offset
    cdef public Downlink downlink
    cdef public ArrivalLog arrivals
    cdef public long long arrivals_ssrc
    cdef public SrtpSession inbound, outbound
    cdef public dict feeds, outgoing, outgoing_by_ssrc, streams, _reporters
    cdef public set _retired
    cdef public Outbox urgent, bulk
    cdef public double round_trip
    cdef public bint remb_wanted, forwarded_from, forwarded_to

    cpdef bint may_report(self, long long ssrc)
    cpdef note_reporter(self, long long ssrc)
