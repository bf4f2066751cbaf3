from sfu.rtp.frame cimport Frame

cpdef bint parse(const unsigned char[::1] view, Py_ssize_t offset, Py_ssize_t length, Frame frame)
cdef Py_ssize_t _after_references(const unsigned char[::1] view, Py_ssize_t position, Py_ssize_t end)
