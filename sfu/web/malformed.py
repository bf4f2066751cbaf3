"""Malformed HTTP from strangers: counted, not logged. aiohttp would tell of each request at level ERROR."""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import HttpProcessingError


class MalformedRequests(logging.Filter):
    """Put on aiohttp's server logger. Lets everything else through."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if isinstance(error, HttpProcessingError):
            self.count += 1
            return False
        return True
