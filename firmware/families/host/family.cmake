# This machine: a process.
target_sources(firmware PRIVATE families/host/host.c families/linux/process.c families/linux/rss.c)
# TCP keeps what was not read yet: a whole picture may be on its way.
target_compile_definitions(firmware PRIVATE ALPHARHO_RX_RING_BYTES=65536u)
