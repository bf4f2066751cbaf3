cimport cython

from sfu.transport.counters cimport Counters
from sfu.transport.slab cimport Slab

cdef class Outboxes:
    cdef public object sender
    cdef public Counters counters
    cdef public list urgent, bulk, _idle
    cdef public long long prepared

    cpdef Slab take_slab(self)
    cpdef give_back(self, Slab slab)
    cpdef long long send(self) except -1
    @cython.locals(outbox=Outbox)
    cpdef hand_over(self, outboxes)

cdef class Outbox:
    cdef public Outboxes _outboxes
    cdef public list _waiting, _runs
    cdef public Slab _slab
    cdef public long long _start, _segment, _count, end
    cdef public object destination, view
    cdef public bint admitted
    cdef public unsigned char[::1] data
    cdef public size_t address

    cpdef reserve(self)
    cpdef commit(self, long long length)
    cpdef close_runs(self, list runs)
    cpdef empty(self)
    cdef _close_run(self, long long end)
