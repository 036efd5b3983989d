/* A program on a Linux board. */
#define QUIET_S 600 /* seconds without a request after which a program that holds the board's lock ends */
