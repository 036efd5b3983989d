"""What kernels do to memory: the access models that kernels of all sets share (see `shadow`)."""
