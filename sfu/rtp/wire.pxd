# wire.py in C: the same names, numbers and order. Every access is checked against the buffer's end.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcpy

cdef inline int _check(const unsigned char[::1] view, Py_ssize_t offset, Py_ssize_t size) except -1:
    if offset < 0 or offset + size > view.shape[0]:
        raise IndexError("beyond the end of the buffer")
    return 0

cdef inline unsigned int _read_16(const unsigned char *at) noexcept:
    return <unsigned int> at[0] << 8 | at[1]

cdef inline long long _read_32(const unsigned char *at) noexcept:
    return <long long> at[0] << 24 | <long long> at[1] << 16 | <long long> at[2] << 8 | at[3]

cdef inline void _put_16(unsigned char *at, long long number) noexcept:
    at[0] = <unsigned char> (number >> 8)
    at[1] = <unsigned char> number

cdef inline void _put_32(unsigned char *at, long long number) noexcept:
    _put_16(at, number >> 16)
    _put_16(at + 2, number)

cdef inline int _fits(long long number, long long most) except -1:
    if number < 0 or number > most:
        raise OverflowError("a number that does not fit its bits")
    return 0

cdef inline (int, int, int, long long, long long) read_fixed(const unsigned char[::1] view, Py_ssize_t offset) except *:
    _check(view, offset, 12)
    cdef const unsigned char *at = &view[offset]
    return at[0], at[1], _read_16(at + 2), _read_32(at + 4), _read_32(at + 8)

cdef inline int write_fixed(
    unsigned char[::1] view, Py_ssize_t offset, long long first, long long second, long long sequence, long long timestamp,
    long long ssrc
) except -1:
    _check(view, offset, 12)
    _fits(first, 0xFF)
    _fits(second, 0xFF)
    _fits(sequence, 0xFFFF)
    _fits(timestamp, 0xFFFFFFFF)
    _fits(ssrc, 0xFFFFFFFF)
    cdef unsigned char *at = &view[offset]
    at[0] = <unsigned char> first
    at[1] = <unsigned char> second
    _put_16(at + 2, sequence)
    _put_32(at + 4, timestamp)
    _put_32(at + 8, ssrc)
    return 0

cdef inline (int, int) read_pair(const unsigned char[::1] view, Py_ssize_t offset) except *:
    _check(view, offset, 4)
    return _read_16(&view[offset]), _read_16(&view[offset + 2])

cdef inline (long long, long long) read_long_pair(const unsigned char[::1] view, Py_ssize_t offset) except *:
    _check(view, offset, 8)
    return _read_32(&view[offset]), _read_32(&view[offset + 4])

cdef inline (int, int, int, int, int) read_descriptor(const unsigned char[::1] view, Py_ssize_t offset) except *:
    _check(view, offset, 6)
    cdef const unsigned char *at = &view[offset]
    return at[0], at[1], _read_16(at + 2), at[4], at[5]

cdef inline int write_16(unsigned char[::1] view, Py_ssize_t offset, long long number) except -1:
    _check(view, offset, 2)
    _fits(number, 0xFFFF)
    _put_16(&view[offset], number)
    return 0

cdef inline bytes read_bytes(const unsigned char[::1] view, Py_ssize_t offset, Py_ssize_t length):
    if length <= 0:
        return b""
    _check(view, offset, length)
    return PyBytes_FromStringAndSize(<const char *> &view[offset], length)

cdef inline int write_bytes(unsigned char[::1] view, Py_ssize_t offset, bytes data) except -1:
    cdef Py_ssize_t length = len(data)
    if length:
        _check(view, offset, length)
        memcpy(&view[offset], PyBytes_AS_STRING(data), length)
    return 0
