/* This machine, over TCP. */
#define LISTEN_ADDRESS INADDR_LOOPBACK
