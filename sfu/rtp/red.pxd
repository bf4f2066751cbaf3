cpdef tuple primary(const unsigned char[::1] view, Py_ssize_t offset, Py_ssize_t length)
