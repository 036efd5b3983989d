/* The largest resident set of this process. */
#ifndef ALPHARHO_LINUX_RSS_H
#define ALPHARHO_LINUX_RSS_H

#include <stdint.h>

/* In bytes, 0 if /proc is not there. That of getrusage has the set of the process that executed this program in it. */
uint32_t alpharho_linux_peak_rss(void);

#endif
