cimport cython

cdef class LossControl:
    cdef public double rate, least, most, loss, _slow, _way, _began_loss, _began_rate, _decreased_at, _updated_at
    cdef public long long _packets, _lost

    @cython.locals(share=double, ours=double)
    cpdef count(self, long long packets, long long lost, double now, double round_trip, double rate, double arrived)
    cpdef allow(self, double rate)
    cdef _decrease(self, double loss, double rate, double arrived)
