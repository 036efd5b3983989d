"""From an int8 network to what a target runs: one module or package per kind of compiled artifact."""
