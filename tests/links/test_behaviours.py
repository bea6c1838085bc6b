"""Each bad habit of the web gets the state and the reason that it deserves, no more and no less."""

from links.hostile import link

from surveykit.net.fetch import Limits

PATIENT = Limits(connect_seconds=8.0, read_seconds=2.0, whole_seconds=4.0)
"""Handshakes on a busy machine take their time; what hangs does so for ever."""


def kind(name: str) -> str:
    return "pdf" if name.endswith(".pdf") else "paper"


def test_every_behaviour_has_its_state_and_reason(world, hostile):
    links = [link(url, kind(name)) for name, (url, *_) in hostile.cases.items()]
    outcome = world.check(links, limits=PATIENT)
    found = {f.link.url: (f.result.state, f.result.reason) for f in outcome.findings}
    expected = {
        url: (state, reason) for url, _, state, reason in hostile.cases.values()
    }
    wrong = {
        name: (found.get(url), expected[url])
        for name, (url, *_) in hostile.cases.items()
        if found.get(url) != expected[url]
    }
    assert not wrong, "\n".join(f"{k}: {v}" for k, v in wrong.items())
    assert len(expected) >= 40
