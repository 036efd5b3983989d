#pragma once

struct device {
  int number;
};

extern const struct device standin_zephyr_console;

#define DT_CHOSEN(name)     name
#define STANDIN_JOIN(node)  (&standin_##node)
#define DEVICE_DT_GET(node) STANDIN_JOIN(node)
