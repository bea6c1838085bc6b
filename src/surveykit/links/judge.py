"""What a reply, or the lack of one, says about a link: pure decisions, no waiting, no sending."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import aiohttp
import httpx

from surveykit.links.state import Reason, State
from surveykit.net.fetch import REDIRECTS, Reply, words
from surveykit.net.page import FetchedPage

Judgment = tuple[State, Reason, str]

UNVERIFIABLE = {
    401: Reason.LOGIN,
    402: Reason.LOGIN,
    403: Reason.FORBIDDEN,
    406: Reason.BOT_BLOCKED,
    407: Reason.LOGIN,
    418: Reason.BOT_BLOCKED,
    429: Reason.RATE_LIMITED,
    451: Reason.LEGAL,
    999: Reason.BOT_BLOCKED,
}
BROKEN = {404: Reason.NOT_FOUND, 408: Reason.TIMEOUT, 410: Reason.GONE}

# Header field -> value (a part of it) by which a bot challenge names itself.
CHALLENGE_HEADERS = {
    b"cf-mitigated": b"challenge",
    b"x-amzn-waf-action": b"",
    b"x-datadome": b"",
    b"x-dd-b": b"",
    b"x-px-block": b"",
    b"x-vercel-mitigated": b"",
    b"x-sucuri-block": b"",
}
# What bot challenges write, in lower case: in titles, and anywhere in pages of few words, also with status 200.
CHALLENGE_WORDS = (
    "just a moment",
    "attention required! | cloudflare",
    "checking your browser",
    "verify you are human",
    "verifying you are human",
    "verifying your browser",
    "verify that you are human",
    "verify you are a human",
    "are you a robot",
    "robot or human",
    "making sure you're not a bot",
    "pardon our interruption",
    "ddos-guard",
    "client challenge",
    "security checkpoint",
    "bot verification",
    "human verification",
    "incapsula incident id",
    "enable javascript and cookies to continue",
    "captcha-delivery.com",
    "px-captcha",
    "errors.edgesuite.net",
    "/.well-known/sgcaptcha",
    "安全验证",
    "人机验证",
    "访问验证",
    "滑动验证",
)
AKAMAI = re.compile(r"reference #[0-9a-f]+\.[0-9a-f]+\.")
_THING = r"(the |this |that |your )?(requested )?(page|file|document|paper|article|content|url|resource|site|project|repository|item)"
_MISSING = (
    r"(could not be found|can(not|'t|’t| not) be found|was not found|is not found|not found|no longer exists?|does(n't|n’t| not) exist"
    r"|has been (removed|deleted)|isn('|’)t here|is no longer available)"
)
# A whole title, or a whole part of one, that says nothing else.
GONE_TITLE = re.compile(
    rf"((http|error|status|错误):? ?)*404( error| page|页面|错误)?[ :.!,，：-]*((page|file|article) )?(not found|错误|未找到.*|找不到.*|页面不存在)?[.!]*"
    rf"|(oops|sorry|whoops|抱歉|对不起)?[,.!，！:… ]*{_THING}.{{0,20}} ?{_MISSING}[.!]*|(page |file )?not found[.!]*|404"
    r"|(oops|sorry|抱歉|对不起)?[,.!，！ ]*(您|你)?(所)?(访问|请求|查找|要找|浏览)?的?(页面|网页|文件|内容|文章).{0,6}(不存在|未找到|找不到|走丢了|已(被)?删除|无法找到).{0,4}"
    r"|(找不到|未找到|无法找到)(该|此|您?(访问|请求)的)?(页面|网页|文件|内容|文章)",
    re.IGNORECASE,
)
GONE_TEXT = re.compile(
    rf"\b404\b.{{0,30}}not found|{_THING}( you (are|were) looking for| you requested)?.{{0,20}} {_MISSING}"
    r"|(页面|网页|文件|内容)(不存在|未找到|找不到|走丢了|已被删除)|(找不到|未找到)(该|此)?(页面|网页)",
    re.IGNORECASE,
)
# Without one of these, GONE_TEXT need not be tried.
GONE_HINTS = (
    "not",
    "n't",
    "n’t",
    "404",
    "removed",
    "deleted",
    "longer",
    "页",
    "文件",
    "内容",
)
PARKED_WORDS = (
    "domain is for sale",
    "domain name is for sale",
    "domain may be for sale",
    "buy this domain",
    "this domain is parked",
    "domain parking",
    "parked free",
    "parked domain",
    "sedoparking",
    "parkingcrew",
    "interested in this domain",
    "域名正在出售",
    "域名可能正在出售",
    "域名已出售",
    "域名可出售",
    "域名出售",
    "域名转让",
)
PARKING_HOSTS = re.compile(
    r"(^|\.)(hugedomains|afternic|sedo|sedoparking|parkingcrew|bodis|dan|above|domainmarket|undeveloped)\.(com|net)$"
)
LOGIN_PATH = re.compile(
    r"/(log-?in|sign-?in|sso|cas/login|oauth2?/authori[sz]e|session/new|accounts?/login|user/login|auth/login)(/|$|\.)",
    re.IGNORECASE,
)
GONE_PATH = re.compile(
    r"/(404|notfound|not-found|page-not-found|not_found|error404|404error|pagenotfound)(\.\w+)?/?$",
    re.IGNORECASE,
)
HOME_PATH = re.compile(r"/?((index|home|default)(\.\w+)?)?/?", re.IGNORECASE)


def judge(asked: str, reply: Reply, *, pdf: bool = False) -> Judgment:
    """Verdict on the last reply of a chain that began at `asked`; `pdf` says that a PDF is promised."""
    if challenge := _challenge(reply):
        return State.UNVERIFIABLE, Reason.CHALLENGE, challenge
    if reply.status in REDIRECTS:
        return State.BROKEN, Reason.REDIRECT_WITHOUT_TARGET, "a redirect to nowhere"
    if 200 <= reply.status <= 300:
        return _arrived(asked, reply, pdf)
    if reply.status in UNVERIFIABLE:
        return State.UNVERIFIABLE, UNVERIFIABLE[reply.status], ""
    if reply.status in BROKEN:
        return State.BROKEN, BROKEN[reply.status], ""
    if 500 <= reply.status <= 599:
        return State.BROKEN, Reason.SERVER_ERROR, ""
    return State.BROKEN, Reason.BAD_STATUS, ""


def _challenge(reply: Reply) -> str:
    for name, value in reply.headers.raw:
        part = CHALLENGE_HEADERS.get(name.lower())
        if part is not None and part in value.lower():
            return f"header {name.decode('ascii', 'replace')}"
    page = reply.page
    if page is None or not page.html:
        return ""
    whole = page.short or reply.status != 200
    said = page.all if whole else page.title.lower()
    for word in CHALLENGE_WORDS:
        if word in said:
            return f"the page says {word!r}"
    blocked = reply.status != 200 and AKAMAI.search(said)
    return f"the page says {blocked[0]!r}" if blocked else ""


def _arrived(asked: str, reply: Reply, pdf: bool) -> Judgment:
    if verdict := _elsewhere(asked, reply.url):
        return verdict
    page = reply.page
    if page is None:
        return State.OK, Reason.REACHED, ""
    if page.empty and reply.status not in (204, 205):
        if reply.status == 202:
            return State.UNVERIFIABLE, Reason.CHALLENGE, "202 and an empty page"
        return State.UNVERIFIABLE, Reason.EMPTY_PAGE, "the page is empty"
    if page.html and (verdict := _speaks(page)):
        # what breaks off has not said all that it had to say
        return (State.UNVERIFIABLE, *verdict[1:]) if page.cut else verdict
    if page.html and pdf:
        return State.UNVERIFIABLE, Reason.NOT_PDF, "a web page where a PDF is promised"
    why = f"the page breaks off: {page.cut}" if page.cut else ""
    return State.OK, Reason.REACHED, why


def _elsewhere(asked: str, reached: str) -> Judgment | None:
    """Redirects that lead away from what was asked for: to a login, an error page, the front page."""
    if reached == asked:
        return None
    start, end = urlsplit(asked), urlsplit(reached)
    start_host, end_host = _host(start.hostname), _host(end.hostname)
    if start_host != end_host and PARKING_HOSTS.search(end_host):
        return State.BROKEN, Reason.PARKED, f"redirected to {end_host}"
    if LOGIN_PATH.search(end.path) and not LOGIN_PATH.search(start.path):
        return State.UNVERIFIABLE, Reason.LOGIN, "redirected to a login page"
    if GONE_PATH.search(end.path) and not GONE_PATH.search(start.path):
        return State.BROKEN, Reason.SOFT_404, "redirected to an error page"
    deep = not HOME_PATH.fullmatch(start.path) and len(start.path.strip("/")) > 2
    home = HOME_PATH.fullmatch(end.path) and not end.query
    if start_host == end_host and deep and home:
        return State.BROKEN, Reason.SOFT_404, "redirected to the front page"
    return None


def _speaks(page: FetchedPage) -> Judgment | None:
    """What an HTML page with a good status says about itself."""
    for part in (page.title, *re.split(r"\s+[|·•–—-]\s+|\s*[|_]\s*", page.title)):
        if part and GONE_TITLE.fullmatch(part.strip()):
            return State.BROKEN, Reason.SOFT_404, f"the page's title is {page.title!r}"
    short = page.whole and page.short
    said = page.all if short else page.title.lower()
    if any(word in said for word in PARKED_WORDS):
        return State.BROKEN, Reason.PARKED, "the domain is for sale"
    if short and any(hint in said for hint in GONE_HINTS):
        found = GONE_TEXT.search(page.text)
        if found:
            return State.BROKEN, Reason.SOFT_404, f"the page says {found[0]!r}"
    return None


def _host(name: str | None) -> str:
    return (name or "").removeprefix("www.")


TLS = {
    10: Reason.TLS_EXPIRED,
    18: Reason.TLS_SELF_SIGNED,
    19: Reason.TLS_SELF_SIGNED,
    20: Reason.TLS_CHAIN,
    21: Reason.TLS_CHAIN,
    62: Reason.TLS_HOST,
    64: Reason.TLS_HOST,
}
# OpenSSL refuses what browsers still accept.
STRICT = re.compile("UNSAFE_LEGACY|DH_KEY_TOO_SMALL|EE_KEY_TOO_SMALL|CA_MD_TOO_WEAK")
OFFLINE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})


def failed(error: BaseException) -> Judgment:
    """Verdict on an exception in place of a reply; the innermost cause that is understood decides."""
    causes = list(_causes(error))
    for cause in causes:
        if reason := _reason(cause):
            old = reason is Reason.TLS_OLD
            state = State.UNVERIFIABLE if old else State.BROKEN
            return state, reason, words(cause)
    return State.BROKEN, Reason.BAD_REPLY, words(causes[0])


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error's causes, innermost first, then the error itself."""
    hidden = getattr(error, "certificate_error", None) or getattr(
        error, "os_error", None
    )
    inner = hidden or error.__cause__ or error.__context__
    if isinstance(inner, BaseException) and inner is not error:
        yield from _causes(inner)
    yield error


def _reason(error: BaseException) -> Reason | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return TLS.get(error.verify_code, Reason.TLS_OTHER)
    if isinstance(error, ssl.SSLError):
        return Reason.TLS_OLD if STRICT.search(str(error)) else Reason.TLS_OTHER
    if isinstance(
        error, socket.gaierror | aiohttp.ClientConnectorDNSError | UnicodeError
    ):
        return Reason.DNS
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return Reason.EMPTY_REPLY
    if isinstance(error, ConnectionRefusedError):
        return Reason.REFUSED
    if isinstance(error, ConnectionError) and not isinstance(
        error, aiohttp.ClientError
    ):
        return Reason.RESET
    if isinstance(error, OSError) and error.errno in OFFLINE:
        return Reason.UNREACHABLE
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return Reason.TIMEOUT
    if isinstance(error, aiohttp.ClientConnectorError):
        # Where several addresses fail in several ways, only the words tell.
        refused = f"[Errno {errno.ECONNREFUSED}]" in str(error.os_error)
        return Reason.REFUSED if refused else Reason.UNREACHABLE
    return None
