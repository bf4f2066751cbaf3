from sfu.rtp.seq cimport distance, distance32, newer32

cdef class SequenceMap:
    cdef public long long _highest_in, _highest_out, _shift
    cdef public object _stretches
    cdef public bint _synced

    cpdef switch(self)
    cpdef long long map(self, long long sequence)
    cpdef bint drop(self, long long sequence)
    cpdef long long reverse(self, long long sequence)
    cdef _start(self, long long sequence)
    cdef long long _map_late(self, long long extended)

cdef class TimestampMap:
    cdef public long long _clock_rate, _last_in, _last_out, _offset
    cdef public object _ahead
    cdef public double _last_at
    cdef public bint _sent, _synced

    cpdef long long map(self, long long timestamp, double now)
    cpdef long long translate(self, long long timestamp)
    cdef _start(self, long long timestamp, double now)
