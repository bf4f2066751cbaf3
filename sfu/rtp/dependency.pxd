from sfu.rtp cimport wire
from sfu.rtp.frame cimport Frame

cdef class Structures:
    cdef public object newest, _active
    cdef public list _templates

    cdef tuple _template(self, long long identifier, object attached)
