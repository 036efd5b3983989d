#pragma once

#include <stdint.h>

enum { clk_sys };

uint32_t clock_get_hz(int clock);
