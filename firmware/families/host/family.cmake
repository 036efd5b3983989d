# This machine: a process.
target_sources(firmware PRIVATE families/host/host.c families/linux/process.c families/linux/rss.c)
