"""What a packet lies in: any flat run of bytes that can be indexed without a copy."""

from __future__ import annotations

Buffer = bytes | bytearray | memoryview
"""Read from. A memoryview must be one of single bytes (format `B`)."""

WritableBuffer = bytearray | memoryview
"""Written to."""
