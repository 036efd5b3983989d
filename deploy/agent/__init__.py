"""The Linux agent: serves a .tflite over the wire protocol on its standard streams.

It runs on the device from one zip file (`deploy.bundle`) and needs only Python 3.9, numpy and ai_edge_litert or
tflite_runtime there: nothing in this package may import more, and no syntax may be newer.
"""
