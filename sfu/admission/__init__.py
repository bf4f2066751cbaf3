"""Who may come in: roles, the waiting room, tickets, links, windows, limits. Sans-IO."""
