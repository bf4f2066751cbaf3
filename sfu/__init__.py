"""A media backend for video visits in health care."""

from sfu import build as build  # first of all: it settles where the other modules are found

__version__ = "0.1.0"
