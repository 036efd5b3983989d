/* The serial commands of EEMBC's and MLPerf Tiny's runner, API 2.2: docs/protocol.md, "Text mode". */
#ifndef ALPHARHO_PROTOCOL_TEXT_H
#define ALPHARHO_PROTOCOL_TEXT_H

#include "device.h"

/* Obey one command and answer it, up to `m-ready`. The command is taken to pieces. */
void alpharho_text_command(struct device *device, char *command);

/* Answer a command that was longer than TEXT_MAX. */
void alpharho_text_too_long(struct device *device);

#endif
