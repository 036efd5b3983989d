/* The serial commands of EEMBC's and MLPerf Tiny's runner, API 2.2: docs/protocol.md, "Text mode". */
#ifndef ALPHARHO_PROTOCOL_TEXT_H
#define ALPHARHO_PROTOCOL_TEXT_H

#include "state.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Run one command and answer it, up to `m-ready`. The command is cut into its words in place. */
void alpharho_text_command(struct alpharho_device *device, char *command);

/* Answer a command that was longer than ALPHARHO_TEXT_MAX. */
void alpharho_text_too_long(struct alpharho_device *device);

#ifdef __cplusplus
}
#endif

#endif
