#include "rss.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t alpharho_linux_peak_rss(void) {
  static const char key[] = "VmHWM:";
  char line[128];
  unsigned long kilobytes = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, key, sizeof key - 1u) == 0) {
      kilobytes = strtoul(line + sizeof key - 1u, NULL, 10);
      break;
    }
  }
  if (file != NULL) {
    (void)fclose(file);
  }
  return (uint32_t)(kilobytes * 1024u);
}
