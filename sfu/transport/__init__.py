"""ICE-lite, DTLS, SRTP, the forwarding plane, and the only media sockets."""
