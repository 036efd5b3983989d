"""The options of a request, the command line that reads them, preflight, and the steps in order."""
