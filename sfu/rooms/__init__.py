"""The room of a visit: events in, commands out. Sans-IO."""
