"""Load tests: complete clients on canned media, cheap enough that a small machine can load a server and measure it."""
