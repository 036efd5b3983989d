# A Linux board: one static program, which needs nothing that is installed there.
target_sources(firmware PRIVATE families/linux/facts.c families/linux/linux.c families/linux/lock.c families/linux/process.c
  families/linux/rss.c)
target_compile_definitions(firmware PRIVATE LINUX_BOARD)
target_link_options(firmware PRIVATE -static)
