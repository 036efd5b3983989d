# A Linux board: one static program, which needs nothing that is installed there.
target_sources(firmware PRIVATE families/linux/facts.c families/linux/linux.c families/linux/lock.c families/linux/process.c
  families/linux/rss.c)
# A pipe keeps what was not read yet: a whole picture may be on its way.
target_compile_definitions(firmware PRIVATE LINUX_BOARD ALPHARHO_RX_RING_BYTES=65536u)
target_link_options(firmware PRIVATE -static)
