cimport cython

@cython.locals(
    packets=list, position=Py_ssize_t, lost_left="long long", items_left="long long", statuses_left="long long", count="long long",
    kind="long long",
)
cpdef list parse(data)
@cython.locals(first="long long", kind="long long", words="long long", end=Py_ssize_t, padding="long long", body=bytes)
cdef tuple _split(bytes data, Py_ssize_t position)
