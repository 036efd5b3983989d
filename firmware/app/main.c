/* The firmware's main loop. */
#include "port.h"
#include "serve.h"

int main(int argc, char **argv) {
  alpharho_port_init(argc, argv);
  alpharho_serve_begin();
  for (;;) {
    alpharho_serve_poll();
  }
}
