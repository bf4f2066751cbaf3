cimport cython

cdef class LinkRate:
    cdef public double rate, _variance

    @cython.locals(off=double, normal=double, variance=double)
    cpdef full(self, double rate)
    cpdef forget(self)
    cpdef double spread(self)

cdef class RateControl:
    cdef public double rate, least, most, _changed_at, _narrowed_at
    cdef public bint _holding
    cdef public LinkRate _link

    cpdef set(self, double rate, double now)
    cpdef bint narrow(self, double carried, double now)
    cpdef forget(self)
    cpdef update(self, usage, double acknowledged, double round_trip, double now, bint unfilled=*)
    @cython.locals(step=double, rate=double, link=LinkRate)
    cdef _increase(self, double acknowledged, double round_trip, double now)
    cdef double _slope(self, double round_trip)
    @cython.locals(interval=double, lowered=double, link=LinkRate)
    cdef _decrease(self, double acknowledged, double round_trip, double now, bint unfilled)
