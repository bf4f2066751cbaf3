from sfu.rtp cimport wire
from sfu.rtp.frame cimport Frame

cpdef bint parse(const unsigned char[::1] view, Py_ssize_t offset, Py_ssize_t length, Frame frame)
cdef bint _nothing(Frame frame)
cdef _keyframe(const unsigned char[::1] view, Py_ssize_t position, Py_ssize_t end, Frame frame)
cpdef int write_numbers(unsigned char[::1] view, Py_ssize_t offset, Frame frame, long long picture_id, long long tl0) except -1
