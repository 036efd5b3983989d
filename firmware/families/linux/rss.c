#include "rss.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Return the bytes of a line `key   kilobytes kB` of a file, 0 if it is not there. */
static uint32_t bytes_of(const char *path, const char *key) {
  char line[256];
  unsigned long kilobytes = 0;
  FILE *file = fopen(path, "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, key, strlen(key)) == 0) {
      kilobytes = strtoul(line + strlen(key), NULL, 10);
      break;
    }
  }
  if (file != NULL) {
    (void)fclose(file);
  }
  return (uint32_t)(kilobytes * 1024u);
}

/* Linux before 6.2 counts pages for VmHWM by the 64, which is most of a small program; the walk over all pages for
 * smaps_rollup is exact, but of now. */
uint32_t alpharho_linux_peak_rss(void) {
  const uint32_t peak = bytes_of("/proc/self/status", "VmHWM:");
  const uint32_t now = bytes_of("/proc/self/smaps_rollup", "Rss:");
  return peak > now ? peak : now;
}
