cimport cython

cdef class UdpSocket:
    cdef public object _socket, _receiver, _transmitter
    cdef public bint _segmentation, _counts_drops
    cdef public long long datagrams_received, datagrams_sent, sends_refused, sends_failed

    cpdef list receive(self)
    cpdef long long send_runs(self, runs)
    @cython.locals(refused="long long", taken="long long", index="long long")
    cdef long long _send_together(self, object transmitter, object runs) except -1
    cpdef bint send(self, object destination, object run, long long segment) except -1
