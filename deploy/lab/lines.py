"""From what a place has to the link of its board: which line, and how it is reached."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from deploy.lab.facts import LINE, LOCAL_NAMES, PROBES, SSH, Holding, Resource
from errors import LinkError
from target import Target

USUAL_BAUD = 115200
SSH_PORT = 22


def line_of(holding: Holding, target: Target, wanted: str = "") -> Resource:
    """Return the line of a place's board: a serial port, for a Linux target an SSH service if there is one.

    Raises LinkError if there is none, or several and `wanted` does not name one.
    """
    where = f"place {holding.place}"
    if not holding.resources:
        raise LinkError(f"{where}: nothing of it is exported any more; see whether its exporter runs")
    lines = [r for r in holding.resources if r.cls in (LINE, SSH)]
    if target.kind == "mcu":
        lines = [r for r in lines if r.cls == LINE]
    elif services := [r for r in lines if r.cls == SSH]:
        lines = services
    chosen = [r for r in lines if r.name == wanted] if wanted else lines
    if not lines:
        kinds = ", ".join(sorted({r.cls for r in holding.resources}))
        needs = LINE if target.kind == "mcu" else f"{SSH} or {LINE}"
        raise LinkError(f"{where}: {target.name} needs a {needs} there, it has {kinds}; add one to its exporter")
    if len(chosen) != 1:
        names = ", ".join(r.name for r in lines)
        said = f"no line {wanted} there" if wanted and not chosen else f"{len(chosen)} lines there"
        raise LinkError(f"{where}: {said}; name one of {names} with ?resource=NAME")
    return chosen[0]


def probe_of(holding: Holding) -> Resource | None:
    """Return the debug probe of a place's board, None if it has none. Raises LinkError if there are several."""
    probes = [r for r in holding.resources if r.cls in PROBES and r.usb_path]
    if len(probes) > 1:
        raise LinkError(f"place {holding.place}: {len(probes)} debug probes there; a place has those of one board")
    return probes[0] if probes else None


def uri_of(resource: Resource, target: Target, coordinator: str) -> str:
    """Return the URI of a line. Raises LinkError if it does not say where it is."""
    where = f"resource {resource.path}"
    if not resource.host or (resource.port is None and resource.cls == LINE):
        raise LinkError(f"{where}: it has no {'host' if not resource.host else 'port'}; see the exporter's output")
    via = via_of(resource, coordinator)
    host = f"[{resource.host}]" if ":" in resource.host else resource.host
    if resource.cls == SSH:
        user = f"{resource.user}@" if resource.user else ""
        return f"ssh://{user}{host}:{resource.port or SSH_PORT}" + (f"?via={via}" if via else "")
    if resource.protocol == "raw":
        return f"tcp://{host}:{resource.port}" + (f"?via={via}" if via else "")
    if resource.protocol != "rfc2217":
        raise LinkError(f"{where}: its protocol is {resource.protocol}, expected raw or rfc2217; correct the exporter")
    baud = target.mcu.uart_baud if target.mcu else resource.speed or USUAL_BAUD
    return f"rfc2217://{host}:{resource.port}?baud={baud}" + (f"&via={via}" if via else "")


def via_of(resource: Resource, coordinator: str) -> str:
    """Return the host through which a resource is reached, "" for none.

    Raises LinkError for an exporter that calls its host localhost though it is another: that would be this one.
    """
    lab_host = urlsplit(coordinator).netloc if coordinator.startswith("ssh://") else ""
    is_here = not lab_host and is_loopback(coordinator.rpartition(":")[0])
    via = resource.proxy if resource.is_isolated else ""
    if resource.is_isolated and not via:
        raise LinkError(f"resource {resource.path}: it is isolated and does not say behind which host; see --hostname")
    if is_here or not is_loopback(via or resource.host):
        return quote(via, safe="@:[]")
    if lab_host:
        return quote(lab_host, safe="@:[]")  # the exporter runs beside the coordinator, which is reached through it
    raise LinkError(
        f"resource {resource.path}: its exporter says that its host is {via or resource.host}, which would be this "
        "machine; start labgrid-exporter with --hostname NAME, and let the host's own name be right"
    )


def is_loopback(host: str) -> bool:
    """Whether a name is that of the machine that reads it."""
    host = host.strip("[]").rpartition("@")[2].lower()
    return host in LOCAL_NAMES or host.startswith("127.") or host == "::1"
