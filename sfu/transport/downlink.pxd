from sfu.rtp.bandwidth.allowance cimport Allowance
from sfu.rtp.bandwidth.estimator cimport Estimator
from sfu.rtp.bandwidth.sent cimport SentPackets

cdef class Downlink:
    cdef public object peer
    cdef public Estimator estimator
    cdef public Allowance _allowance
    cdef public SentPackets sent
    cdef public double _pictured_at
    cdef public long long told
    cdef public bint probing, limited, draining

    cpdef bint update(self, double now)
    cpdef bint pictured(self, double now)
    cpdef double fill(self, double now)
