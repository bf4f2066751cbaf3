"""What the way to a receiver carries: Google congestion control as published (draft-ietf-rmcat-gcc-02), from the sender's side.

Times are seconds, rates bits per second, sizes bytes. `Estimator` ties the parts; `SentPackets` remembers what feedback speaks of.
"""
