"""What a link of a list is: the paper, its program, or something beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from surveykit.identifier import identify_quietly

Role = Literal["paper", "code", "other", "title", "broken"]

_PAPER = frozenset(
    "abs abstract acl acm arxiv article conference cvf doi download eccv full here html ieee iclr icml journal link "
    "manuscript nips neurips openreview original paper papers pdf pmlr preprint proceedings publication read springer text "
    "ps url usenix 下载 全文 原文 文章 网址 论文 链接".split()
)
_CODE = frozenset(
    "code codebase codes git github gitlab implementation implementations jax keras matlab octocat pytorch repo repository "
    "source star stars tensorflow tf torch toolbox toolkit 代码 仓库 实现 源码".split()
)
_OTHER = frozenset(
    "appendix benchmark bib bibtex blog blogpost card checkpoint checkpoints cite citation citations cites colab data dataset "
    "datasets demo doc docs documentation hf home homepage hugging huggingface huggingfaces leaderboard license media model models news note notebook "
    "notes page post poster presentation project review reviews site slide slides spaces summary supp supplement supplementary talk thread "
    "tutorial twitter video videos web webpage website weights youtube 主页 博客 幻灯片 数据 数据集 模型 视频 解读 项目 项目主页".split()
)
_FILLING = frozenset(
    "a an and arxiv author badge authors available by coming conf extended for in journal latest long main material materials new of official "
    "on online our ours our short soon the this to unofficial updated v version with s official官方".split()
)
_CODE_HOSTS = (
    "bitbucket.org codeberg.org gitee.com github.com gitlab.com zenodo.org".split()
)
_SAYS_NO_PAPER = (
    "bilibili.com bit.ly drive.google.com docs.google.com github.io google.com kaggle.com linkedin.com medium.com "
    "paperswithcode.com scholar.google.com shields.io twitter.com wikipedia.org x.com youtube.com youtu.be zhihu.com".split()
)
_PAPER_HOSTS = (
    "aaai.org aclanthology.org aclweb.org acm.org arxiv.org biorxiv.org bmva.org cell.com citeseerx.ist.psu.edu computer.org cv-foundation.org "
    "ecva.net elsevier.com frontiersin.org hal.science hindawi.com iacr.org icml.cc ieee.org ijcai.org ingentaconnect.com isca-speech.org jmlr.org mdpi.com mlr.press "
    "mlsys.org nature.com ndss-symposium.org neurips.cc nips.cc openreview.net petsymposium.org plos.org pnas.org "
    "sciencedirect.com science.org semanticscholar.org springer.com springeropen.com ssrn.com thecvf.com tandfonline.com "
    "techrxiv.org usenix.org wiley.com worldscientific.com".split()
)
_CITING = re.compile(r"\bet\.? al\b\W*(?:(?:19|20)[0-9]{2}[a-z]?\W*)?$")
_PICTURE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|bmp|ico)(?:$|[?#])", re.I)
_WORD = re.compile(r"[^\W_]+")


@dataclass
class ListedLink:
    """A link of a list."""

    label: str
    url: str
    role: str
    """One of `Role`, `empty` without an address, `local` for a file beside the list, `twofold` if it reads as another address."""
    line: int
    bracketed: bool = False
    """Whether the label stands in brackets, as words for links do and titles do not."""

    @property
    def words(self) -> int:
        """How many words the label has."""
        return len(self.label.split())

    @property
    def is_title(self) -> bool:
        """Whether it leads to a paper and is called by no word for links."""
        return self.role == "title" and says_paper(self.url)


def role(label: str, url: str) -> Role:
    """What a link is, told by its address, else by its label as a whole; `title` for a label that is no word for links."""
    told = by_address(url)
    if told == "broken":
        return "broken"
    named = labeled(label)
    if told == "paper":
        plain = not _WORD.search(label) or cites(label)
        return "paper" if named or plain else "title"
    if told == "code" and named != "other":
        return "code"
    if named is None:
        return "title" if told is None and label else told or "other"
    return "other" if told else named


def labeled(label: str) -> Literal["paper", "code", "other"] | None:
    """What a label says, if all its words are words for links: `PDF`, `Code & Data`, `arXiv 2024`."""
    told = _WORD.findall(label.lower())
    words = {word for word in told if not word.isdecimal() and len(word) > 1}
    if words - _PAPER - _CODE - _OTHER - _FILLING:
        return None
    if words & _CODE:
        return "code"
    if words & _OTHER or (label and not words):
        return "other"
    return "paper" if words & _PAPER else None


def cites(label: str) -> bool:
    """Whether a label names a paper by its people: `Song et al., 2020`."""
    return _CITING.search(label) is not None


def says_paper(url: str) -> bool:
    """Whether an address by itself is that of a paper."""
    return by_address(url) == "paper"


@lru_cache(maxsize=4096)  # each link is looked at several times
def by_address(url: str) -> Role | None:
    """What an address by itself tells of a link; None where it tells nothing."""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return "broken"
    if parts.scheme not in ("http", "https") or "." not in host:
        return "broken"
    if _PICTURE.search(parts.path) or _is_of(host, ["shields.io"]):
        return "other"
    known = identify_quietly(url)
    if known and known.kind in ("arxiv", "doi", "acl", "openreview"):
        return "paper"
    if re.search(r"\.pdf(?:$|[?#])", url, re.I) and not _is_of(host, ["google.com"]):
        return "paper"
    if _is_of(host, _CODE_HOSTS):
        return "code" if re.match("/+[^/]+/+[^/]", parts.path) else None
    if _is_of(host, _SAYS_NO_PAPER):
        return "other"
    return "paper" if _is_of(host, _PAPER_HOSTS) and len(parts.path) > 1 else None


def _is_of(host: str, names: list[str]) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in names)
