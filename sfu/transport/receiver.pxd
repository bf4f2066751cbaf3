from sfu.rtp cimport wire
from sfu.transport cimport native
from sfu.transport.slab cimport Slab

cdef size_t _recvmmsg

cdef class MmsgReceiver:
    cdef public Slab slab
    cdef public object _names, _control, _vectors, _headers, _control_view
    cdef size_t _pointer
    cdef public bytes _pristine
    cdef public unsigned char[::1] _names_view, _headers_view
    cdef public unsigned int[::1] _words
    cdef public Py_ssize_t _length_at, _header_words, _source_length, _in_use
    cdef public int _descriptor

    cpdef list receive(self)
