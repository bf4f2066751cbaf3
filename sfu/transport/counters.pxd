cdef class Counters:
    cdef public object drops
    cdef public dict packets_in, bytes_in, packets_out, bytes_out, retransmissions, keyframe_requests
    cdef public long long unadmitted
    cdef public object forward_latency, first_picture, loss_in, loss_out, round_trip, jitter
