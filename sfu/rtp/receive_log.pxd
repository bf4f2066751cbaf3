from sfu.rtp.seq cimport distance, distance32

cdef class _Missing:
    cdef public double due
    cdef public long long nacks

cdef class ReceiveLog:
    cdef public long long _ssrc, _clock_rate, _base, _hurried, _suspect, _received, _received_before, _expected_before
    cdef public long long _last_timestamp, _sr_middle
    cdef public double _last_arrival, _sr_at
    cdef public bytearray _seen
    cdef public dict _missing
    cdef public bint _started
    cdef public long long duplicates, fraction_lost, given_up, highest, recovered
    cdef public double jitter, nacks_at

    cpdef long long received(self, long long sequence, long long timestamp, double now, bint repaired=*)
    cpdef long long extended(self, long long sequence)
    cdef _begin(self, long long sequence)
    cdef long long _newest(self, long long extended, long long timestamp, double now, bint repaired, long long verdict)
    cdef long long _late(self, long long extended, bint repaired)
    cdef long long _jump(self, long long sequence, long long ahead, long long timestamp, double now, bint repaired)
    cdef _gap(self, long long ahead, double now)
    cdef _hurry(self, long long extended, double now)
    cdef _measure(self, long long timestamp, double now)
