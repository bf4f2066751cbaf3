# native.py in C: the same names and meaning. Functions and sessions are addresses, which cffi tells once.

ctypedef int (*in_place_t)(void *context, void *packet, int *length) noexcept

cdef inline size_t function(str name) except 0:
    from pylibsrtp._binding import ffi, lib

    return int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))

cdef inline size_t handle(object session) except 0:
    from pylibsrtp._binding import ffi

    return int(ffi.cast("uintptr_t", session[0]))

cdef inline long long in_place(size_t function, size_t context, size_t address, int length) noexcept:
    cdef int status = (<in_place_t> function)(<void *> context, <void *> address, &length)
    return -status if status else length
