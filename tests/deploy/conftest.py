"""The SSH server of the tests of boards over SSH, the stand-in for an Edge TPU, and boards of SDKs."""

from tests.deploy.edgetpu_host import built, model, plain, tpu
from tests.deploy.sdk_boards import desk_of_sdks, int8_net
from tests.deploy.sshd import ssh_big_file, ssh_model, ssh_server, sshd

__all__ = [
    "built",
    "desk_of_sdks",
    "int8_net",
    "model",
    "plain",
    "ssh_big_file",
    "ssh_model",
    "ssh_server",
    "sshd",
    "tpu",
]
