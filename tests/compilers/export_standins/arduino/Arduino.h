#ifndef Arduino_h
#define Arduino_h

#include <stdio.h>

#include "../line.h"

class HardwareSerial {
public:
  void begin(unsigned long) {}
  int available() { return line_waits(0) ? 1 : 0; }
  int read() {
    uint8_t byte;
    line_take(&byte, 1);
    return byte;
  }
  size_t write(const uint8_t *bytes, size_t count) { return line_send(bytes, count); }
  void print(long number) { printf("%ld", number); }
  void print(int number) { printf("%d", number); }
  void print(unsigned long number) { printf("%lu", number); }
  void print(const char *text) { printf("%s", text); }
  void println(const char *text) { printf("%s\n", text); }
};

extern HardwareSerial Serial;

class EspClass {
public:
  uint32_t getCycleCount() { return line_microseconds() * 240u; }
  uint32_t getCpuFreqMHz() { return 240; }
};

extern EspClass ESP;

static inline unsigned long micros() { return line_microseconds(); }
static inline void yield() { (void)line_waits(1); }
static inline void delay(unsigned long) { exit(0); }

void setup();
void loop();

#endif
