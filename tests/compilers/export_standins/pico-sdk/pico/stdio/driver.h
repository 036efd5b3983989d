#ifndef STANDIN_DRIVER_H
#define STANDIN_DRIVER_H
typedef struct stdio_driver {
  void (*out_chars)(const char *bytes, int count);
  int (*in_chars)(char *bytes, int room);
} stdio_driver_t;
#endif
