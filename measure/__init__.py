"""One measurement of one device, and its report."""
