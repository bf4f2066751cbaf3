cimport cython

from sfu.rtp cimport wire

# The class stays Python's.

cdef long long _NOT_RECEIVED, _SMALL_DELTA, _LARGE_DELTA, _VECTOR, _FIRST_SHIFT

@cython.locals(
    arrivals=tuple, body=bytearray, view="unsigned char[::1]", chunk="long long", shift="long long", delta="long long", at=Py_ssize_t,
    end=Py_ssize_t,
)
cpdef bytes build_transport_feedback(packet)

@cython.locals(arrivals=list, position=Py_ssize_t, size="long long", status="long long")
cpdef parse_transport_feedback(bytes body, long long limit)

@cython.locals(statuses=list, position=Py_ssize_t, chunk="long long", left="long long", run="long long")
cdef tuple _parse_chunks(bytes body, long long count)
