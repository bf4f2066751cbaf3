"""Calls of the C library that Python has no names for, found by cffi in ABI mode: nothing to compile."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from cffi import FFI

_DECLARATIONS = """
struct iovec { void *iov_base; size_t iov_len; };
struct msghdr {
    void *msg_name; unsigned int msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
    void *msg_control; size_t msg_controllen; int msg_flags;
};
struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
int recvmmsg(int, struct mmsghdr *, unsigned int, int, void *);
int sendmmsg(int, struct mmsghdr *, unsigned int, int);
struct timespec { long tv_sec; long tv_nsec; };
struct itimerspec { struct timespec it_interval; struct timespec it_value; };
int timerfd_create(int, int);
int timerfd_settime(int, int, const struct itimerspec *, struct itimerspec *);
"""

NAME_SLOT = 32
"""Bytes kept for a socket address; sockaddr_in6 takes 28."""
CMSG_HEADER = "@Nii"
"""Length, level, type: what ancillary data begins with (cmsg(3)), for `struct`."""

ffi = FFI()
ffi.cdef(_DECLARATIONS)


def function(name: str) -> Any:
    """The C library's call of this name; None where it has none with the structures as declared here: 64-bit Linux."""
    if not sys.platform.startswith("linux") or sys.maxsize < 2**32:
        return None
    with contextlib.suppress(OSError, AttributeError):
        return getattr(ffi.dlopen(None), name)
    return None


def has(name: str) -> bool:
    """Whether there is such a call."""
    return function(name) is not None
