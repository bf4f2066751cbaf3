from sfu.rtp.frame cimport Frame
from sfu.rtp.seqmap cimport SequenceMap
from sfu.rtp.vp8 cimport write_numbers

cdef long long NO_NUMBER

cdef class Period:
    cdef public long long begin, spatial, temporal, target, serves, number
    cdef public object structure

    cdef bint has(self, Frame frame)
    cdef bint is_last(self, Frame frame)

cdef class Layers:
    cdef public long long wanted_spatial, wanted_temporal, picture_id, tl0
    cdef public long long _extended, _left_out, _number, _number_in, _number_shift, _picture, _picture_in, _picture_shift
    cdef public long long _tl0, _tl0_shift
    cdef public bint fresh
    cdef public Period _newest
    cdef public list _periods
    cdef public SequenceMap _pictures

    cpdef long long take(self, Frame frame, long long extended, bint newest)
    cpdef bint ends(self, Frame frame, long long extended, bint newest)
    cpdef write(self, unsigned char[::1] view, Py_ssize_t offset, Frame frame)
    cdef SequenceMap _numbering(self, long long picture_id)
    cdef Period _period(self, long long extended)
    cdef bint _number_newest(self, Frame frame)
    cdef bint _number_late(self, Frame frame)
    cdef _put(self, Frame frame, long long picture_id)
    cdef long long _unrolled(self, Frame frame)
    cdef long long _nearest(self, Frame frame)
