cimport cython

from sfu.rtp cimport wire
from sfu.transport cimport native
from sfu.transport.slab cimport Slab

cdef size_t _sendmmsg
cdef long long _SEGMENT_AT, _SEGMENT_SLOT, _CONTROL_SLOT, _WORDS, _CONTROL, _CONTROL_LENGTH, NAME_SLOT

cdef class UdpDestination:
    cdef public object address, control
    cdef public bytes name, ancillary

cdef class MmsgTransmitter:
    cdef public object _names, _control, _vectors, _headers
    cdef size_t _pointer
    cdef public int _descriptor
    cdef public size_t _control_address
    cdef public unsigned char[::1] _names_view, _control_view
    cdef public unsigned short[::1] _segments
    cdef public unsigned long[::1] _vector_words, _header_words

    @cython.locals(
        destination=UdpDestination, slab=Slab, start=Py_ssize_t, end=Py_ssize_t, segment="unsigned short", count="long long",
        ancillary=bytes, at=Py_ssize_t, size=Py_ssize_t, word=Py_ssize_t, index=Py_ssize_t, run=tuple,
    )
    cpdef int send(self, runs) except? -1
