#pragma once

#include <stdint.h>

uint32_t time_us_32(void);
