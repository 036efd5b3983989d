"""Who a host is and whether it is there: each way in which no board is reached over SSH is one clear line."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

import target
from deploy.flashers.qemu import free_port
from deploy.remote.board import Board
from deploy.remote.connect import Address, parse_address
from deploy.remote.host_keys import VerifyHostKey
from deploy.remote.marked_keys import names_of, parse_marked
from errors import LinkError
from tests.deploy.sshd import BOARD, Sshd

PI = target.load("rpi4")
HASHED_BOARD = "|1|AAECAwQFBgcICQoLDA0ODxAREhM=|lBaHJP9Qtzmd04vSw6ojwAcNPyE="


def test_an_unknown_host_key_is_an_error_with_its_fingerprint(sshd: Sshd) -> None:
    sshd.know(None)
    with pytest.raises(LinkError, match=r"^ssh://board: unknown host key ssh-ed25519 SHA256:\S+; .*--accept-new"):
        Board(BOARD).__enter__()
    assert sshd.known_hosts.read_text() == ""


def test_accept_new_stores_it_once(sshd: Sshd) -> None:
    sshd.known_hosts.write_text("# mine, without an end")
    for accept_new in (True, False):
        with Board(BOARD, accept_new=accept_new):
            pass
    lines = sshd.known_hosts.read_text().splitlines()
    assert lines[0] == "# mine, without an end"
    assert len(lines) == 2


def test_a_changed_host_key_stops_even_with_accept_new(sshd: Sshd) -> None:
    sshd.know(sshd.folder / "other_key.pub")
    before = sshd.known_hosts.read_text()
    with pytest.raises(LinkError, match=r"has CHANGED: known .* received .* run: ssh-keygen -R '\[127.0.0.1\]:\d+'$"):
        Board(BOARD, accept_new=True).__enter__()
    assert sshd.known_hosts.read_text() == before


@pytest.mark.parametrize(("answer", "stored"), [("yes", True), ("y", False), ("no", False), ("", False)])
def test_on_a_terminal_the_user_confirms(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch, answer: str, stored: bool
) -> None:
    sshd.know(None)
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    def ask(question: str) -> str:
        asked.append(question)
        return answer

    monkeypatch.setattr("builtins.input", ask)
    if stored:
        with Board(BOARD):
            pass
    else:
        with pytest.raises(LinkError, match="unknown host key"):
            Board(BOARD).__enter__()
    assert "SHA256:" in asked[0]
    assert bool(sshd.known_hosts.read_text()) == stored


def test_a_jump_host_is_verified_too(sshd: Sshd) -> None:
    with (sshd.user_home / ".ssh/config").open("a") as config:
        config.write(f"Host behind\n  HostName 127.0.0.1\n  ProxyJump board\n  Port {sshd.port}\n")
        config.write(f"  IdentityFile {sshd.folder}/client_key\n  UserKnownHostsFile {sshd.known_hosts}\n")
    with Board(Address("behind")) as board:
        assert board.facts.cores
    sshd.know(None)
    with pytest.raises(LinkError, match="unknown host key"):
        Board(Address("behind")).__enter__()


def test_a_damaged_known_hosts_is_named(sshd: Sshd) -> None:
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} ssh-ed25519 AAA\n")
    with pytest.raises(LinkError, match=r"known_hosts can't be read|unknown host key"):
        Board(BOARD).__enter__()


REVOKED_ED25519 = r"the host key ssh-ed25519 SHA256:\S+ is revoked \(@revoked in known_hosts\); give the board new host"


def test_a_revoked_host_key_stops_though_it_is_known_and_with_accept_new(sshd: Sshd) -> None:
    key = (sshd.folder / "host_key.pub").read_text()
    text = f"{sshd.known_hosts.read_text()}@revoked * {key}"
    sshd.known_hosts.write_text(text)
    with pytest.raises(LinkError, match=f"^ssh://board: {REVOKED_ED25519}"):
        Board(BOARD, accept_new=True).__enter__()
    assert sshd.known_hosts.read_text() == text


@pytest.mark.parametrize(
    ("hosts", "is_for"),
    [("*", True), ("BOARD", True), ("[board]:2222", True), ("other,bo?rd", True), (HASHED_BOARD, True),
     ("other", False), ("board.lab", False), ("[board]:22", False), ("*,!board", False), ("|1|x|y", False)],
)  # fmt: skip
def test_the_hosts_that_a_marked_key_is_for(hosts: str, is_for: bool) -> None:
    marked = parse_marked(f"@revoked {hosts} ssh-ed25519 AAAA a comment")
    assert marked.is_for(names_of("board", 2222)) == is_for


def test_known_hosts_with_markers_for_others_works(sshd: Sshd) -> None:
    key, other = ((sshd.folder / f"{name}.pub").read_text() for name in ("host_key", "other_key"))
    with sshd.known_hosts.open("a") as file:
        file.write(f"@cert-authority *.lab {other}@revoked * {other}@revoked elsewhere {key}")
        file.write(f"@revoked *,!127.0.0.1 {key}")
    with Board(BOARD) as board:
        assert board.facts.cores


def test_an_authority_is_named_where_a_key_is_unknown(sshd: Sshd) -> None:
    sshd.known_hosts.write_text(f"@cert-authority * {(sshd.folder / 'other_key.pub').read_text()}")
    with pytest.raises(
        LinkError, match=r"\(@cert-authority is for this host, but certificates are not checked here\); com"
    ):
        Board(BOARD).__enter__()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("@revoked board", "@revoked: expected hosts, the type"),
        ("@revoke * ssh-rsa AAAA", "@revoke: expected @revoked or"),
    ],
)
def test_a_marker_that_is_damaged_is_named(sshd: Sshd, line: str, message: str) -> None:
    sshd.known_hosts.write_text(f"{sshd.known_hosts.read_text()}{line}\n")
    with pytest.raises(LinkError, match=rf"known_hosts can't be read \({message}.*\); correct or remove that line"):
        Board(BOARD).__enter__()


def test_known_hosts_that_can_not_be_written_is_an_error(tmp_path: Path, sshd: Sshd) -> None:
    (tmp_path / "file").write_text("")
    policy = VerifyHostKey("ssh://board", tmp_path / "file" / "known_hosts", accept_new=True)

    class Key:
        fingerprint = "SHA256:x"

        def get_name(self) -> str:
            return "ssh-ed25519"

        def get_base64(self) -> str:
            return "AAAA"

    with pytest.raises(LinkError, match=r"can't be written \(.*\); the host key can't be stored"):
        policy.missing_host_key(None, "board", Key())  # type: ignore[arg-type]


def test_a_key_that_is_not_accepted(sshd: Sshd) -> None:
    sshd.configure(IdentityFile=sshd.folder / "other_key")
    with pytest.raises(
        LinkError, match=r"^ssh://board: login as \S+ refused; none of your keys is accepted. Run: ssh-copy-id "
    ):
        Board(BOARD).__enter__()


def test_a_key_with_a_passphrase_names_ssh_add(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    locked = sshd.folder / "locked_key"
    if not locked.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret phrase", "-f", str(locked)], check=True)
    sshd.configure(IdentityFile=locked)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    with pytest.raises(LinkError, match=r"your key has a passphrase; run ssh-add") as caught:
        Board(BOARD).__enter__()
    assert "secret phrase" not in str(caught.value)


def test_closed_port(sshd: Sshd) -> None:
    sshd.configure(Port=free_port())
    with pytest.raises(LinkError, match=r"^ssh://board: not reached \(Connection refused\); check that it is on"):
        Board(BOARD).__enter__()


def test_no_such_host(sshd: Sshd) -> None:
    with pytest.raises(LinkError, match=r"^ssh://nobody.invalid: no host has that name; .* --link ssh://"):
        Board(Address("nobody.invalid")).__enter__()


def test_something_else_listens(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sshd.configure(Port=listener.getsockname()[1])

        def serve() -> None:
            line, _ = listener.accept()
            line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            line.close()

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(LinkError, match=r"^ssh://board: no SSH connection \(.*\); check whether `ssh board` works"):
            Board(BOARD).__enter__()


def test_a_damaged_ssh_config_is_named(sshd: Sshd) -> None:
    (sshd.user_home / ".ssh/config").write_text("Host board\n  this is no line \x00 = \n  Match nonsense\n")
    with pytest.raises(LinkError, match=r"~/.ssh/config can't be read"):
        Board(BOARD).__enter__()


@pytest.mark.parametrize(
    "uri",
    ["ssh://", "ssh:board", "ssh://board:0", "ssh://board:99999", "ssh://board/path", "ssh://board#x", "ssh://-oProxy",
     "ssh://board?shell=x", "ssh://board?python=", "ssh://@board", "tcp://board"],
)  # fmt: skip
def test_addresses_that_are_none(uri: str) -> None:
    with pytest.raises(LinkError, match=r"expected ssh://\[USER@\]HOST\[:PORT\]"):
        parse_address(uri)


def test_addresses() -> None:
    assert parse_address("ssh://pi@[::1]:2222").name == "ssh://pi@[::1]:2222"
    assert parse_address("ssh://pi@host?python=/home/pi/venv/bin/python").python == "/home/pi/venv/bin/python"


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(LinkError, match="must not contain a password") as caught:
        parse_address("ssh://pi:raspberry@board")
    assert "raspberry" not in str(caught.value)
