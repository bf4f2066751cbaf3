cimport cython

cdef double RISE, SPAN, LONGEST, BEGUN, FALL, FALL_SHARE, FAR_LESS
cdef long long PACKETS

cdef class Onset:
    cdef public double _delay, _least, _most, _jump, _began, _first, _last, _gap
    cdef public long long _bytes, _packets

    @cython.locals(delay=double, step=double, lowest=double, overtook=bint)
    cpdef add(self, double sent, double arrival, long long size)
    @cython.locals(span=double, steady=double)
    cpdef double rate(self, double sending)
