from sfu.rtp cimport vp8, vp9
from sfu.rtp.dependency cimport Structures
from sfu.rtp.frame cimport Frame

cpdef bint read_frame(
    long long codec, const unsigned char[::1] view, Py_ssize_t offset, Py_ssize_t length, long long marker, Structures structures,
    Py_ssize_t descriptor, Py_ssize_t descriptor_length, bint newest, Frame frame
)
cpdef bint is_keyframe_start(long long codec, const unsigned char[::1] view, Py_ssize_t offset, Py_ssize_t length)
cdef bint _vp8(const unsigned char[::1] view, Py_ssize_t position, Py_ssize_t end)
cdef bint _vp9(const unsigned char[::1] view, Py_ssize_t position, Py_ssize_t end)
cdef bint _h264(const unsigned char[::1] view, Py_ssize_t position, Py_ssize_t end)
cdef bint _h264_unit(const unsigned char[::1] view, Py_ssize_t position, Py_ssize_t end, long long kind)
cdef bint _av1(const unsigned char[::1] view, Py_ssize_t position, Py_ssize_t end)
