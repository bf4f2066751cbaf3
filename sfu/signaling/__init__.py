"""The signalling protocol `evisit.v1`: messages, sessions, SDP. Sans-IO."""
