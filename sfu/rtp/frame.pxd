cdef class Frame:
    cdef public bint start, end, keyframe, sync, up, wide, closes, attached
    cdef public long long spatial, temporal, picture_id, picture_at, tl0, tl0_at, number
    cdef public object active, serves
    cdef public bytes dtis
    cdef public object structure
    cdef public tuple sizes

    cpdef clear(self)
