"""Labelled stretches of text and the links between them, as annotation tools keep events.

It does not know any tool's file format, nor which event types there are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hadath.annotations import ROLES, Article, Event, Span
from hadath.errors import HadathError
from hadath.formats.repairs import Repair
from hadath.text import sentence_at, sentences

ANSWER = "ANSWER"


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of text that an annotator marked, under the tool's own key for it."""

    key: str
    span: Span
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A relation between two regions; `role` where its own label names one."""

    first: str
    second: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """A text with what was marked in it. `sentences` may be empty: the splitter then says."""

    place: str
    text: str
    sentences: tuple[tuple[int, int], ...]
    regions: tuple[Region, ...]
    links: tuple[Link, ...]


def role_named(label: str) -> str | None:
    """The role that a label names, in whatever case; None where it names an event type."""
    return label.lower() if label.lower() in ROLES else None


def events_of(marked: Marked) -> tuple[tuple[Event, ...], tuple[Repair, ...]]:
    """The events that the regions and links tell, and what could not be told.

    A role belongs to the event it is linked to or, without a link, to the nearest event of its
    sentence. A region that a link calls a role is one, whatever its own label.
    """
    if not marked.sentences:
        marked = replace(marked, sentences=tuple(sentences(marked.text)))
    repairs: list[Repair] = []
    kinds = _kinds(marked)
    roles: dict[str, dict[str, list[Span]]] = {
        region.key: {role: [] for role in ROLES}
        for region in marked.regions
        if not kinds[region.key]
    }
    linked: set[str] = set()
    for link in marked.links:
        event, other = (
            (link.first, link.second) if link.first in roles else (link.second, link.first)
        )
        if event not in roles or other not in kinds or other in roles:
            what = f"the relation of {link.first!r} and {link.second!r} joins no event and role"
            repairs.append(Repair(marked.place, what, "left out"))
            continue
        _add(roles[event], marked, other, link.role or kinds[other])
        linked.add(other)
    for region in marked.regions:
        if kinds[region.key] and region.key not in linked:
            repairs += _by_sentence(marked, region, roles, kinds[region.key])
    return tuple(_events(marked.regions, roles)), tuple(repairs)


def regions_of(article: Article) -> tuple[tuple[Region, ...], tuple[Link, ...]]:
    """The article's events as regions and links; each role's stretch stands once."""
    regions: list[Region] = []
    keys: dict[tuple[str, Span], str] = {}
    links: list[Link] = []
    for number, event in enumerate(article.events):
        if role_named(event.type) or event.type.upper() == ANSWER:
            raise HadathError(
                f"{article.id}: events[{number}].type {event.type!r} is what the tool calls a role "
                f"or an answer; rename the type"
            )
        regions.append(Region(f"e{number + 1}", event.span, (event.type,)))
        for role in ROLES:
            for span in event.role(role):
                key = keys.setdefault((role, span), f"r{len(keys) + 1}")
                links.append(Link(f"e{number + 1}", key, role))
    regions += [Region(key, span, (role.upper(),)) for (role, span), key in keys.items()]
    return tuple(regions), tuple(links)


def _kinds(marked: Marked) -> dict[str, str | None]:
    """Each region's role; None where the region is an event."""
    kinds: dict[str, str | None] = {}
    for region in marked.regions:
        named = [role for label in region.labels if (role := role_named(label))]
        kinds[region.key] = named[0] if named else None
    for link in marked.links:
        ends = [key for key in (link.second, link.first) if key in kinds]
        if link.role and len(ends) == 2 and not any(kinds[key] for key in ends):
            kinds[ends[0]] = link.role
    return kinds


def _add(event: Mapping[str, list[Span]], marked: Marked, key: str, role: str | None) -> None:
    span = next(region.span for region in marked.regions if region.key == key)
    if role and span not in event[role]:
        event[role].append(span)


def _by_sentence(
    marked: Marked, region: Region, roles: Mapping[str, dict[str, list[Span]]], role: str | None
) -> Iterator[Repair]:
    """Gives a role without a link to the nearest event of its sentence."""
    sentence = sentence_at(marked.sentences, region.span.start)
    near = [
        other
        for other in marked.regions
        if other.key in roles and sentence_at(marked.sentences, other.span.start) == sentence
    ]
    what = f"{role} {region.span.text[:40]!r} at {region.span.start} is linked to no event"
    if not near:
        yield Repair(marked.place, what, "left out: its sentence has no event")
        return
    event = min(near, key=lambda other: _gap(other.span, region.span))
    _add(roles[event.key], marked, region.key, role)
    if len({other.span for other in near}) > 1:
        done = f"given to the nearest of its sentence, at {event.span.start}"
        yield Repair(marked.place, what, done)


def _gap(first: Span, second: Span) -> int:
    return max(first.start - second.end, second.start - first.end, 0)


def _events(
    regions: Sequence[Region], roles: Mapping[str, dict[str, list[Span]]]
) -> Iterator[Event]:
    for region in regions:
        if region.key in roles:
            event = Event("", region.span, **{k: tuple(v) for k, v in roles[region.key].items()})
            yield from (replace(event, type=label) for label in region.labels)
