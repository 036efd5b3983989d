/* A device that serves its network: bytes from the line to the protocol, inferences by the engine. */
#ifndef ALPHARHO_APP_SERVE_H
#define ALPHARHO_APP_SERVE_H

#ifdef __cplusplus
extern "C" {
#endif

/* Say hello on the line, and start the engine. The port is ready. */
void alpharho_serve_begin(void);

/* Answer what has arrived; sleep as the port does where nothing has. To be called in a loop. */
void alpharho_serve_poll(void);

#ifdef __cplusplus
}
#endif

#endif
