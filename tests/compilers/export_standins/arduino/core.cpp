#include "Arduino.h"

HardwareSerial Serial;
EspClass ESP;

int main() {
  setup();
  for (;;) {
    loop();
  }
}
