"""Linux boards over SSH: connecting, copying, the runtime on the board, and one run at a time."""
