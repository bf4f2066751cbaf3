from sfu.rtp cimport wire
from sfu.rtp.packet cimport Header

cpdef long long original_sequence(const unsigned char[::1] view, Py_ssize_t offset, Header header)
cpdef Py_ssize_t unwrap(unsigned char[::1] view, Py_ssize_t offset, Header header, long long payload_type, long long ssrc)
cpdef Py_ssize_t write_original(unsigned char[::1] view, Py_ssize_t offset, long long sequence)
