from sfu.rtp cimport wire

cdef class Header:
    cdef public long long payload_type, marker, sequence, timestamp, ssrc
    cdef public long long csrc_count, header_length, payload_length, padding
    cdef public long long extension_profile, extension_offset, extension_length

cpdef bint is_rtcp(long long second_byte)
cpdef bint parse(const unsigned char[::1] view, Py_ssize_t offset, Py_ssize_t length, Header header)
cpdef int write_fixed(
    unsigned char[::1] view, Py_ssize_t offset, long long extension, long long marker, long long payload_type, long long sequence,
    long long timestamp, long long ssrc
) except -1
