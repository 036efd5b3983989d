"""Runs the agent: `python agent.pyz --model model.tflite --board rpi4`."""

import sys

from deploy.agent.main import main

sys.exit(main())
