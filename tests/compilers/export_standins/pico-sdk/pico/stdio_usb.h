#pragma once

#include <stdbool.h>

#include "pico/stdio/driver.h"

extern stdio_driver_t stdio_usb;
bool stdio_usb_init(void);
