"""A media backend for video visits in health care."""

__version__ = "0.1.0"
