from sfu.transport.slab cimport Slab

cdef class MmsgReceiver:
    cdef public Slab slab
    cdef public object _descriptor, _recvmmsg, _null, _names, _control, _vectors, _headers
    cdef public object _names_view, _control_view, _headers_view, _pristine
    cdef public unsigned int[::1] _words
    cdef public Py_ssize_t _length_at, _header_words, _source_length

    cpdef list receive(self)
