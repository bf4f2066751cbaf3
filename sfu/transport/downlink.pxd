from sfu.rtp.bandwidth.sent cimport SentPackets

cdef class Downlink:
    cdef public object peer, estimator, _allowance
    cdef public SentPackets sent
    cdef public long long told
    cdef public bint probing, limited, draining
