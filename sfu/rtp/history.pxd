cdef long long _EMPTY, _LENGTH_BITS, _MAX_LENGTH

cdef class _Chunk:
    cdef public bytearray buffer
    cdef public object view
    cdef public double full_at

cdef class History:
    cdef public long long _mask, _chunk_size, _max_chunks, _serial, _first, _position
    cdef public long long[::1] _sequences, _places
    cdef public _Chunk _chunk
    cdef public dict _chunks
    cdef public unsigned char[::1] _view

    cpdef store(self, long long sequence, const unsigned char[::1] buffer, Py_ssize_t offset, Py_ssize_t length, double now)
    cpdef get(self, long long sequence)
    cdef _next_chunk(self, double now)
