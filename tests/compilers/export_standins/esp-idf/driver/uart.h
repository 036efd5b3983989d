#pragma once

#include <stddef.h>
#include <stdint.h>

#include "freertos/FreeRTOS.h"

typedef int esp_err_t;
typedef int uart_port_t;
typedef void *QueueHandle_t;

esp_err_t uart_driver_install(uart_port_t port, int rx_bytes, int tx_bytes, int queue_size, QueueHandle_t *queue,
                              int interrupt_flags);
int uart_read_bytes(uart_port_t port, void *bytes, uint32_t room, TickType_t wait);
int uart_write_bytes(uart_port_t port, const void *bytes, size_t count);
