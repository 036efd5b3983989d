"""The SSH server of the tests of boards over SSH."""

from tests.deploy.sshd import ssh_big_file, ssh_model, ssh_server, sshd

__all__ = ["ssh_big_file", "ssh_model", "ssh_server", "sshd"]
