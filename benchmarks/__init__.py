"""Suites over many networks, engines and devices, and their results. Their caller says how a network is built."""
