"""Files of BibTeX and biblatex -> records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from surveykit.references.bibtex_fields import keep
from surveykit.references.bibtex_syntax import BibEntry, File
from surveykit.references.reading import Reading, few

_VOLUMES = ("proceedings", "mvproceedings", "periodical", "xdata", "set")
"""Types that are no papers."""
_REFERRED = (*_VOLUMES, "book", "mvbook", "collection", "mvcollection")
"""Types that are none where papers refer to them."""
_MOST_PARENTS = 16
_HOW = ("xdata", "crossref", "xref")
_OWN = (
    "title subtitle titleaddon shorttitle crossref xref xdata ids key label keywords options entryset related "
    "abstract note doi url urldate eprint eprinttype eprintclass archiveprefix primaryclass pages pagetotal "
    "isbn issn file pdf code timestamp biburl bibsource author+an author+an:han"
).split()
"""What is said of a volume alone; BibTeX and biber pass on some of it, which would give papers a volume's DOI."""


def read(text: str, source: str) -> Reading:
    """Records of a BibTeX file."""
    reading = Reading(source)
    entries = list(File(text, reading).entries())
    by_key: dict[str, BibEntry] = {}
    for entry in entries:
        if entry.key and by_key.setdefault(entry.key.lower(), entry) is not entry:
            said = f"the key {entry.key!r} stands at an earlier entry too; both are imported"
            reading.note(entry.line, "repeated-key", said)
    parents = {key.lower() for entry in entries for _, key in _references(entry)}
    volumes, unused = [], []
    for entry in entries:
        if entry.kind in (_REFERRED if entry.key.lower() in parents else _VOLUMES):
            volumes.append(entry)
        else:
            unused += _paper(entry, by_key, reading)
    if volumes:
        said = f"volumes and sets are not papers and are not imported: {few(v.key for v in volumes)}"
        reading.note(volumes[0].line, "not-kept", said)
    reading.unused(unused, "fields")
    if text.strip(" \n\t\r\f\ufeff") and not reading.found and not reading.anomalies:
        said = "no entry (`@article{key, …}`) was found; nothing is imported"
        reading.note(1, "lost", said)
    return reading


def _paper(
    entry: BibEntry, by_key: Mapping[str, BibEntry], reading: Reading
) -> list[str]:
    """Keeps the paper; gives the names of the fields that are not kept."""
    for how, key in _references(entry):
        if key.lower() not in by_key:
            said = f"{entry.key}: {how} names {key!r}, which is not in the file; what it says is missing"
            reading.note(entry.line, "lost", said)
    if not any(value.strip(" {}") for value in entry.fields.values()):
        said = f"@{entry.kind}{{{entry.key} without any fact; not imported"
        reading.note(entry.line, "cut" if entry.key else "empty-key", said)
        return []
    if not entry.key:
        reading.note(entry.line, "empty-key", f"@{entry.kind} has no key")
    return keep(entry, _inherited(entry, by_key), reading)


def _references(entry: BibEntry) -> Iterator[tuple[str, str]]:
    """The fields that name other entries, and their keys."""
    for how in _HOW:
        keys = entry.fields.get(how, "").split(",")
        yield from ((how, key) for one in keys if (key := one.strip(" {}\n\t")))


def _inherited(entry: BibEntry, by_key: Mapping[str, BibEntry]) -> dict[str, str]:
    """Fields of an entry with those that it takes from others, by biblatex's rules; `xref` passes nothing on."""
    fields = {name: value for name, value in entry.fields.items() if value.strip()}
    dated = "date" in fields or "year" in fields
    waiting, seen = list(_references(entry)), {id(entry)}
    while waiting and len(seen) < _MOST_PARENTS:
        how, key = waiting.pop(0)
        parent = by_key.get(key.lower())
        if how == "xref" or parent is None or id(parent) in seen:
            continue
        seen.add(id(parent))
        given = parent.fields if how == "xdata" else _passed_on(parent, entry.kind)
        for name, value in given.items():
            if not (dated and name in ("date", "year")):
                fields.setdefault(name, value)
        waiting += _references(parent)
    return {name: value for name, value in fields.items() if name not in _HOW}


def _passed_on(parent: BibEntry, kind: str) -> dict[str, str]:
    """What a volume says of the papers in it: its title is their `booktitle`."""
    own = parent.fields
    passed = {name: value for name, value in own.items() if name not in _OWN}
    book = "journal" if kind == "article" else "book"
    title = "journaltitle" if kind == "article" else "booktitle"
    if title not in passed and kind != parent.kind:
        told = ((title, "title"), (f"{book}subtitle", "subtitle"))
        passed |= {name: own[source] for name, source in told if source in own}
    return passed
