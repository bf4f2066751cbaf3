cimport cython

from sfu.rtp.bandwidth.acknowledged cimport AcknowledgedRate
from sfu.rtp.bandwidth.arrival_groups cimport ArrivalGroups
from sfu.rtp.bandwidth.loss cimport LossControl
from sfu.rtp.bandwidth.onset cimport Onset
from sfu.rtp.bandwidth.overuse cimport OveruseDetector
from sfu.rtp.bandwidth.probing cimport Probe, ProbePlan
from sfu.rtp.bandwidth.rate_control cimport RateControl
from sfu.rtp.bandwidth.sent cimport SentPackets
from sfu.rtp.bandwidth.trendline cimport Trendline

cdef double DELTA_UNIT, REFERENCE_UNIT, CARRIED, CONGESTED, DRAINING, FORGET, LIMITED, SENDING_WINDOW, UNFILLED
cdef long long ANSWERED

cdef class Estimator:
    cdef public double least, most, round_trip, sending
    cdef public object feedback_at
    cdef public Probe probe
    cdef public SentPackets _sent
    cdef public RateControl _delay
    cdef public LossControl _loss
    cdef public ProbePlan _plan
    cdef public AcknowledgedRate _acknowledged
    cdef public ArrivalGroups _groups
    cdef public Trendline _trendline
    cdef public OveruseDetector _detector
    cdef public Onset _onset
    cdef public double _remb, _remb_at, _silent_since, _total_at, _began_at, _fell_at, _narrowed_at, _filled_at
    cdef public long long _reference, _reference_24, _total
    cdef public bint _settled

    @cython.locals(rate=double)
    cpdef double rate(self, double now)
    cpdef bint known(self, double now)
    cpdef bint congested(self, double now)
    cpdef bint draining(self, double now)
    cpdef bint may_probe(self, double now)
    cdef _finish_probe(self, double now)
    cdef _restart(self)
    @cython.locals(
        before=double, after=double, acknowledged=double, carried=double, received="long long", lost="long long", unfilled=bint,
    )
    cpdef feedback(self, feedback, double now)
    cdef bint _unfilled(self, double acknowledged, double now)
    @cython.locals(
        sent=SentPackets, groups=ArrivalGroups, trendline=Trendline, detector=OveruseDetector, onset=Onset,
        acknowledged=AcknowledgedRate, probe=Probe, arrival=double, sent_at=double, number="long long", size="long long",
        received="long long", lost="long long",
    )
    cdef tuple _read(self, feedback)
    @cython.locals(step="long long")
    cdef long long _unroll(self, long long reference)
    @cython.locals(passed=double, rate=double)
    cdef _measure_sending(self, double now)
