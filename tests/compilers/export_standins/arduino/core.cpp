#include "Arduino.h"

HardwareSerial Serial;

int main() {
  setup();
  for (;;) {
    loop();
  }
}
