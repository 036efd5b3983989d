"""Boards of a lab of many hosts that labgrid runs: its coordinator lends places, a run holds one from begin to end.

`address.py` reads URIs, `program.py` is a process of its own that talks to the coordinator and holds the place,
`held.py` is the run's side of it. labgrid itself is not installed here: its fork of pyserial would overwrite ours.
"""
