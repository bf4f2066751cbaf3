from sfu.rtp.seq cimport Unroller

cdef class ArrivalLog:
    cdef public Unroller _numbers
    cdef public list _arrivals
    cdef public long long _told, _count, _missing

    cpdef bint note(self, long long number, double now)
