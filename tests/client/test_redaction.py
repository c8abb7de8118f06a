"""A key that goes with each address, and a provider that says it back in every form there is."""

from __future__ import annotations

import base64
import html
import json
import logging
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from requests import PreparedRequest
from requests.auth import AuthBase

from seo_warehouse.client.access import Auth, Basic, Connection
from seo_warehouse.client.api import Api
from seo_warehouse.client.archive import open_archive
from seo_warehouse.client.redaction import Redactor
from seo_warehouse.errors import SourceError
from tests.sources.provider import IMPATIENT, Act, Asked, Provider, serving

PLAIN_KEY = "kq7Zt20bW9xLr4mVnEJp"
"""Letters and digits only, which few forms change."""
HARD_KEY = 'p"ss/wörd\\l&ng+<7> %x'
SHORT_KEY = "qzx-57"
ZSTD = b"\x28\xb5\x2f\xfd"


class QueryKey(AuthBase):
    """A key in the query, as several providers want it, and nothing named that is secret."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.prepare_url(request.url, {"apikey": self.key})
        return request

    def secrets(self) -> Iterable[str]:
        return []


class NamedKey(QueryKey):
    """The same, and it says what is secret."""

    def secrets(self) -> Iterable[str]:
        return [self.key]


def lower(text: str) -> str:
    """Percent-encoding with its digits in lower case, as some write it."""
    parts = text.split("%")
    return parts[0] + "".join(f"%{part[:2].lower()}{part[2:]}" for part in parts[1:])


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda key: key,
    "percent": lambda key: quote(key, safe=""),
    "percent, lower case": lambda key: lower(quote(key, safe="")),
    "percent, each letter": lambda key: "".join(f"%{byte:02X}" for byte in key.encode()),
    "percent, Latin-1": lambda key: quote(key, safe="", encoding="latin-1", errors="replace"),
    "percent twice": lambda key: quote(quote(key, safe=""), safe=""),
    "percent twice, each letter": lambda key: "".join(f"%25{byte:02x}" for byte in key.encode()),
    "a form": quote_plus,
    "HTML": html.escape,
    "HTML twice": lambda key: html.escape(html.escape(key)),
    "HTML, numbers": lambda key: "".join(f"&#{ord(letter)};" for letter in key),
    "HTML, hexadecimal": lambda key: "".join(f"&#x{ord(letter):X};" for letter in key),
    "HTML, padded": lambda key: "".join(f"&#x{ord(letter):04x};" for letter in key),
    "HTML, ASCII": lambda key: html.escape(key).encode("ascii", "xmlcharrefreplace").decode(),
    "JSON": lambda key: json.dumps(key)[1:-1],
    "JSON in UTF-8": lambda key: json.dumps(key, ensure_ascii=False)[1:-1],
    "JSON as PHP writes it": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "JSON, each letter": lambda key: "".join(f"\\u{ord(letter):04X}" for letter in key),
    "JSON in JSON": lambda key: json.dumps(json.dumps(key)[1:-1])[1:-1],
    "JSON for HTML": lambda key: json.dumps(key)[1:-1].replace("&", "\\u0026").replace("<", "\\u003c"),
    "HTML in JSON": lambda key: json.dumps(html.escape(key))[1:-1].replace("&", "\\u0026"),
    "JSON in an address": lambda key: quote(json.dumps(key)[1:-1], safe=""),
    "as Python has it": lambda key: repr(key.encode())[2:-1],
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 for addresses": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "base64 of a login": lambda key: base64.b64encode(f"a@b.example:{key}".encode()).decode(),
    "base64 of a document": lambda key: base64.b64encode(json.dumps({"key": key, "n": 1}).encode()).decode(),
}
"""A form within a form stands for its kind: whoever writes down what was written down before."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as server:
        yield server


def open_api(provider: Provider, folder: Path, auth: Auth) -> Api:
    archive = open_archive(folder, source="any", property_key=7, scope="night=2026-11-22")
    return Api(base_url=provider.base_url, auth=auth, archive=archive, may_call=True, explain=None, limits=IMPATIENT)


def kept(folder: Path) -> str:
    """Everything in the archive, unpacked."""
    contents = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    packer = zstandard.ZstdDecompressor()
    unpacked = [packer.decompress(content) if content.startswith(ZSTD) else content for content in contents]
    return "\n".join(content.decode("utf-8", "replace") for content in unpacked)


def told(error: BaseException | None) -> str:
    """All that an error and those that it remembers say."""
    if error is None:
        return ""
    lines = "".join(traceback.format_exception(error))
    return f"{lines} {error!r} {vars(error)} {told(error.__cause__)} {told(error.__context__)}"


def shown(key: str, text: str) -> list[str]:
    """The forms in which a key is in a text."""
    return [name for name, form in FORMS.items() if form(key) in text]


@pytest.mark.parametrize("auth", [QueryKey(PLAIN_KEY), QueryKey(HARD_KEY), NamedKey(HARD_KEY), NamedKey(SHORT_KEY)])
@pytest.mark.parametrize("act", ["answer", "error page", "redirect", "header", "not JSON", "hung up"])
def test_a_key_in_a_query_that_a_provider_says_back_is_kept_and_said_nowhere(
    provider: Provider, tmp_path: Path, caplog: pytest.LogCaptureFixture, auth: QueryKey, act: str
) -> None:
    caplog.set_level(logging.DEBUG)
    forms = [form(auth.key) for form in FORMS.values()]

    def echo(asked: Asked) -> Act:
        assert quote(auth.key, safe="") in asked.path or quote_plus(auth.key) in asked.path
        page = ("<p>" + "</p><p>".join(forms) + "</p>").encode()
        as_header = [form.encode().decode("latin-1") for form in forms]
        return {
            "answer": Act(json.dumps({"you": forms, "path": asked.path}).encode()),
            "error page": Act(page, status=400, headers={"Content-Type": "text/html"}),
            "redirect": Act(b"", status=302, headers={"Location": f"http://other.example{asked.path}"}),
            "header": Act(b"{}", headers={f"X-Echo-{number}": form for number, form in enumerate(as_header)}),
            "not JSON": Act(page),
            "hung up": Act(page, cut=len(page) // 2),
        }[act]

    provider.answer = echo
    error = None
    with open_api(provider, tmp_path, auth) as api:
        try:
            api.get("/GetLinkCounts", {"siteUrl": "https://shop.example/"})
        except SourceError as raised:
            error = raised
    assert (error is None) == (act in ("answer", "header"))
    places = {
        "archive": kept(tmp_path),
        "error": told(error),
        "logs": "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records),
    }
    assert "/GetLinkCounts" in places["archive"]
    assert {place: shown(auth.key, text) for place, text in places.items() if shown(auth.key, text)} == {}


def test_a_key_of_which_no_connection_was_had_is_not_in_the_error(tmp_path: Path) -> None:
    with serving() as gone:
        api = open_api(gone, tmp_path, QueryKey(PLAIN_KEY))
    with pytest.raises(SourceError) as lost:
        api.get("/GetLinkCounts")
    assert "GetLinkCounts" in str(lost.value)
    assert shown(PLAIN_KEY, told(lost.value)) == []


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("key", [PLAIN_KEY, HARD_KEY])
def test_each_form_of_a_secret_is_cut_and_nothing_around_it(name: str, key: str) -> None:
    redactor = Redactor()
    redactor.know([key])
    form = FORMS[name](key)
    left = redactor.body(f'{{"a":1,"b":"{form}","c":"%c3%b6"}}'.encode()).decode()
    assert left.startswith('{"a":1,"b":"')
    assert left.endswith('","c":"%c3%b6"}')
    assert "[removed]" in left
    assert form not in left
    if not name.startswith("base64"):
        assert left == '{"a":1,"b":"[removed]","c":"%c3%b6"}'


@pytest.mark.parametrize("code", ["latin-1", "utf-8"])
def test_a_password_is_known_however_its_header_is_written(code: str) -> None:
    redactor = Redactor()
    login = base64.b64encode(f"a@b.example:{HARD_KEY}".encode(code)).decode()
    redactor.learn({"Authorization": f"Basic {login}"})
    assert redactor.body(json.dumps([HARD_KEY, login]).encode()) == b'["[removed]", "[removed]"]'


def test_a_parameter_that_is_short_or_was_there_before_signing_is_no_secret() -> None:
    redactor = Redactor()
    redactor.learn_query("https://a.example/?site=shop.example", "https://a.example/?site=shop.example&format=json&v=2")
    assert redactor.body(b'{"format": "json", "site": "shop.example"}') == b'{"format": "json", "site": "shop.example"}'


@pytest.mark.parametrize("name", FORMS)
def test_of_a_password_only_the_header_needs_to_be_seen(name: str) -> None:
    redactor, password = Redactor(), 'p"ss/wörd\\lang+'
    login = base64.b64encode(f"a@b.example:{password}".encode()).decode()
    redactor.learn({"Authorization": f"Basic {login}"})
    form = FORMS[name](password).encode()
    assert form not in redactor.body(b"<" + form + b">")


@pytest.mark.parametrize("name", ["X-Auth-Token", "apikey", "X-Acme-Client-Secret", "Api-Key", "Proxy-Authorization"])
def test_a_header_whose_name_tells_a_secret_is_known_by_its_value_and_not_kept(name: str) -> None:
    redactor = Redactor()
    redactor.learn({name: "two words 4711", "Accept": "application/json"})
    assert redactor.body(b"said: 4711, application/json")[-18:] == b", application/json"
    assert b"two words 4711" not in redactor.body(b"said: two words 4711")
    assert redactor.headers({name: "x", "Content-Type": "y"}) == {"content-type": "y"}


def test_each_cookie_is_a_secret_of_its_own() -> None:
    redactor = Redactor()
    redactor.learn({"Cookie": "a=b; session=abcdef123456; other=ghijkl7890"})
    assert redactor.body(b"abcdef123456 ghijkl7890 b") == b"[removed] [removed] b"


@pytest.mark.parametrize(
    "name", ["key", "apikey", "api_key", "accessToken", "X-Amz-Signature", "client_secret", "auth", "sig", "pwd"]
)
@pytest.mark.parametrize(
    ("before", "is_", "after"),
    [("?", "=", "&v=2"), ("&amp;", "=", "&amp;v=2"), ("\\u0026", "=", "\\u0026v=2"), ("%3F", "%3D", "%26v%3D2")],
)
def test_a_key_in_a_query_is_cut_by_its_name_where_nobody_knows_its_value(
    name: str, before: str, is_: str, after: str
) -> None:
    said = f"https://a.example/x{before}{name}{is_}un-known{after} failed"
    assert Redactor().text(said) == f"https://a.example/x{before}{name}{is_}[removed]{after} failed"


def test_a_key_in_a_query_is_known_by_its_name_though_a_source_put_it_there() -> None:
    redactor = Redactor()
    redactor.learn_query(
        "https://a.example/?token=abcdef123456&q=shop.example", "https://a.example/?token=abcdef123456"
    )
    assert redactor.body(b"abcdef123456 shop.example") == b"[removed] shop.example"


@pytest.mark.parametrize("name", ["keyword", "keys", "author", "signed", "q", "site"])
def test_a_parameter_of_another_name_is_left(name: str) -> None:
    assert Redactor().text(f"https://a.example/?{name}=value") == f"https://a.example/?{name}=value"


@pytest.mark.parametrize("login", ["me:secret", "me:sec@ret", "secret"])
@pytest.mark.parametrize("scheme", ["https", "postgresql", "s3"])
def test_a_login_in_an_address_is_cut_whatever_the_scheme(scheme: str, login: str) -> None:
    assert Redactor().text(f"{scheme}://{login}@a.example/b@c failed") == f"{scheme}://[removed]@a.example/b@c failed"


@given(st.text(alphabet='abc%25u0&#;\\x"/+= öÖ', max_size=200))
def test_what_only_looks_like_an_encoding_is_kept_as_it_came(body: str) -> None:
    redactor = Redactor()
    redactor.know([PLAIN_KEY])
    assert redactor.body(body.encode()) == body.encode()


@pytest.mark.parametrize("mark", ["\\", "%25", "%", "25", "&amp;", "amp;", "&#0", "%5c"])
def test_no_run_of_marks_keeps_the_door_busy(mark: str) -> None:
    redactor = Redactor()
    redactor.know(["\\%&" + HARD_KEY, PLAIN_KEY])
    body = (f"x{PLAIN_KEY[0]}70 %70 p" + mark * 200_000).encode()
    started = time.process_time()
    redactor.body(body)
    assert time.process_time() - started < 10


@pytest.mark.parametrize("key", ["", "ключ-и-пароль", "---//---"])
def test_a_secret_without_any_letter_of_ascii_is_cut_and_none_cuts_nothing(key: str) -> None:
    redactor = Redactor()
    redactor.know([key])
    body = json.dumps([key, quote(key, safe=""), "a-/b", "ключ"])
    assert json.loads(redactor.body(body.encode())) == ["[removed]" if key else ""] * 2 + ["a-/b", "ключ"]


def test_basic_credentials_are_learnt_from_the_header_as_before(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: Act(json.dumps({"you": asked.headers["Authorization"], "pw": HARD_KEY}).encode())
    with open_api(provider, tmp_path, Basic(Connection(login="someone", password=HARD_KEY))) as api:
        assert api.get("/x").json == {"you": "Basic [removed]", "pw": "[removed]"}
