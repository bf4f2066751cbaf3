from sfu.rtp cimport wire

cdef class Elements:
    cdef public long long[::1] lengths, offsets
    cdef public long long present

    cpdef bint has(self, long long kind)
    cpdef bytes value(self, const unsigned char[::1] view, long long kind)

cdef class Reader:
    cdef public bytearray _kind_of_first, _kind_of_id

    cpdef bint read(
        self, const unsigned char[::1] view, long long profile, Py_ssize_t offset, Py_ssize_t length, Elements elements
    )
    cdef bint _read_one_byte(self, const unsigned char[::1] view, Py_ssize_t position, Py_ssize_t end, Elements elements)
    cdef bint _read_two_byte(self, const unsigned char[::1] view, Py_ssize_t position, Py_ssize_t end, Elements elements)

cdef class Writer:
    cdef public const unsigned char[::1] _alone, _head, _two_byte_head
    cdef public tuple _ids
    cdef public dict _prepared
    cdef public bint _two_byte_only
    cdef public long long _plain_first, carried, number_at, plain_length, two_byte_number_at

    cpdef bint carries(self, long long kind)
    cpdef Py_ssize_t write(
        self, const unsigned char[::1] source, Elements elements, unsigned char[::1] view, Py_ssize_t offset, bytes descriptor=*
    )
    cpdef int write_plain(
        self, unsigned char[::1] view, Py_ssize_t offset, long long marker, long long payload_type, long long sequence,
        long long timestamp, long long ssrc, long long number
    ) except -1
    cpdef int write_number(self, unsigned char[::1] view, Py_ssize_t offset, long long number) except -1
    cdef Py_ssize_t _write_two_byte(
        self, const unsigned char[::1] source, Elements elements, long long present, unsigned char[::1] view, Py_ssize_t offset,
        bytes descriptor
    )

cdef Py_ssize_t _finish(unsigned char[::1] view, Py_ssize_t offset, Py_ssize_t position)
