# By this file the folder of a Pico SDK is known.
