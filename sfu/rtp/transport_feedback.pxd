cimport cython

from sfu.rtp cimport wire

# The class stays Python's.

cdef long long _NOT_RECEIVED, _SMALL_DELTA, _LARGE_DELTA, _RESERVED, _VECTORS, _VECTOR, _FIRST_SHIFT

@cython.locals(
    arrivals=tuple, body=bytearray, view="unsigned char[::1]", chunk="long long", shift="long long", delta="long long", at=Py_ssize_t,
    end=Py_ssize_t,
)
cpdef bytes build_transport_feedback(packet)

@cython.locals(
    view="const unsigned char[::1]", arrivals=list, statuses=bytearray, length=Py_ssize_t, position=Py_ssize_t, place=Py_ssize_t,
    size="long long", delta="long long", count="long long",
)
cpdef parse_transport_feedback(bytes body, long long limit)

@cython.locals(
    length=Py_ssize_t, count=Py_ssize_t, position=Py_ssize_t, at=Py_ssize_t, place=Py_ssize_t, chunk="long long", run="long long",
    status="long long", bits="long long", mask="long long", shift="long long",
)
cdef Py_ssize_t _parse_chunks(const unsigned char[::1] view, bytearray statuses) except -1
