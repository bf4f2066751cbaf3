"""Bookings, their store, and the access log."""
