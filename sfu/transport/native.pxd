# native.py in C: the same names and meaning. Functions and sessions are addresses, which cffi tells once.

from libc.errno cimport errno

cdef extern from "<sys/socket.h>":
    const int MSG_DONTWAIT

ctypedef int (*in_place_t)(void *context, void *packet, int *length) noexcept
ctypedef int (*recvmmsg_t)(int descriptor, void *headers, unsigned int count, int flags, void *timeout) noexcept
ctypedef int (*sendmmsg_t)(int descriptor, void *headers, unsigned int count, int flags) noexcept

cdef inline size_t function(str name) except 0:
    from pylibsrtp._binding import ffi, lib

    return int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))

cdef inline size_t handle(object session) except 0:
    from pylibsrtp._binding import ffi

    return int(ffi.cast("uintptr_t", session[0]))

cdef inline long long in_place(size_t function, size_t context, size_t address, int length) noexcept:
    cdef int status = (<in_place_t> function)(<void *> context, <void *> address, &length)
    return -status if status else length

cdef inline size_t system_function(str name) except? 0:
    from sfu.transport import libc

    found = libc.function(name)
    return int(libc.ffi.cast("uintptr_t", found)) if found is not None else 0

cdef inline size_t pointer(object array) except 0:
    from sfu.transport import libc

    return int(libc.ffi.cast("uintptr_t", array))

cdef inline int receive_many(size_t function, int descriptor, size_t headers, unsigned int count) noexcept:
    cdef int received = (<recvmmsg_t> function)(descriptor, <void *> headers, count, MSG_DONTWAIT, NULL)
    return received if received >= 0 else -errno

cdef inline int send_many(size_t function, int descriptor, size_t headers, unsigned int count) noexcept:
    cdef int taken = (<sendmmsg_t> function)(descriptor, <void *> headers, count, 0)
    return taken if taken >= 0 else -errno
