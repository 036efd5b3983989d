"""The SSH server of the tests of boards over SSH, and the stand-in for an Edge TPU."""

from tests.deploy.edgetpu_host import built, model, plain, tpu
from tests.deploy.sshd import ssh_big_file, ssh_model, ssh_server, sshd

__all__ = ["built", "model", "plain", "ssh_big_file", "ssh_model", "ssh_server", "sshd", "tpu"]
