cimport cython

from sfu.rtp.seq cimport Unroller

cdef double DELTA_UNIT, REFERENCE_UNIT
cdef long long REMEMBERED, _UNITS_A_REFERENCE, _MOST, _LEAST

cdef class ArrivalLog:
    cdef public Unroller _numbers
    cdef public list _arrivals
    cdef public long long _told, _count, _missing

    cpdef bint note(self, long long number, double now)
    @cython.locals(entries=list, entry=tuple, number="long long", last="long long", first="long long", begin="long long")
    cpdef list feedback(self, sender_ssrc, media_ssrc)
    @cython.locals(
        number="long long", arrival=double, reference="long long", clock="long long", statuses=list, following="long long",
        index="long long", units="long long",
    )
    cdef tuple _packet(self, list entries, long long begin, long long first, sender_ssrc, media_ssrc)
