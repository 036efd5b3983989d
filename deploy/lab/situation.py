"""What a lab's places are at a moment, in words: which would do, who has taken one, why one can't be used."""

from __future__ import annotations

import time
from dataclasses import replace

from deploy.lab.address import LabAddress
from deploy.lab.facts import Holding, Lab, Place, Resource
from errors import LinkError, nearest


def candidates(lab: Lab, address: LabAddress) -> list[Place]:
    """Return the places that an address may mean. Raises LinkError if there is none."""
    if address.place:
        chosen = [place for place in lab.places if place.name == address.place]
        if not chosen:
            names = [place.name for place in lab.places]
            raise LinkError(f"no place {address.place}; {nearest(address.place, names) if names else 'there is none'}")
        return chosen
    chosen = [place for place in lab.places if place.has(address.tags)]
    if not chosen:
        known = sorted({f"{name}={value}" for place in lab.places for name, value in place.tags})
        raise LinkError(f"no {address.wanted.removeprefix('a ')}; places have {', '.join(known) or 'no tags'}")
    return sorted(chosen, key=lambda place: place.name)


def holding_of(lab: Lab, name: str, owner: str) -> Holding:
    """Return what a taken place has at this moment, under the names that the place gives."""
    place = next((place for place in lab.places if place.name == name), Place(name))
    return Holding(name, lab.coordinator, owner, tuple(_renamed(place, r) for r in taken_resources(lab, place)))


def why_dead(lab: Lab, place: Place) -> str:
    """Return why a place can't be used though it may be free, "" if it can."""
    if not place.matches:
        return f"it has no resources; add them with: labgrid-client -p {place.name} add-match EXPORTER/GROUP/CLASS"
    missing = [match.pattern for match in lab.missing(place)]
    return f"nothing exports {', '.join(missing)}; see whether its exporter runs" if missing else ""


def taken_text(place: Place) -> str:
    """Return who has taken a place, and since when."""
    since = f" since {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(place.since))}" if place.since else ""
    return f"place {place.name} is taken by {place.owner}{since}"


def release_step(place: Place) -> str:
    """Return what a person can do about a place that is taken."""
    return f"ask them, or if that run is gone: labgrid-client -p {place.name} release-from {place.owner}"


def taken_resources(lab: Lab, place: Place) -> list[Resource]:
    """Return the resources of a place that is taken which are there now."""
    return [resource for resource in lab.resources if resource.is_there and resource.path in place.taken]


def _renamed(place: Place, resource: Resource) -> Resource:
    name = next((match.rename for match in place.matches if match.rename and match.fits(resource)), resource.name)
    return replace(resource, name=name)
