# Classes and functions stay Python's; what they do is compiled.
