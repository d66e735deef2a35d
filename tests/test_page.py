"""The page in a real Chromium, and its API over HTTP; the two models are stand-ins."""

import gc
import json
import os
import re
import shutil
import socket
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from page_fakes import FakeClassifier, FakeFinder
from playwright.sync_api import Browser, Page, expect, sync_playwright

import serve
from hadath.annotations import Article, read_articles
from hadath.ontology import load_scheme

SEEDS = Path(serve.__file__).parent / "data" / "seeds" / "seeds.jsonl"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
PICTURES = os.environ.get("HADATH_SCREENSHOTS")  # a folder, to look at what the tests saw

# Gradio's own: it calls pandas in ways that pandas has deprecated, and leaves sockets unclosed.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PASTED = "التقى الوزير نظيره في عمّان. وقصف الطيران المدينة.\nوانتهى الخبر."


@pytest.fixture(scope="module")
def articles() -> list[Article]:
    return read_articles(SEEDS)


@pytest.fixture(scope="module")
def reached() -> list[str]:
    """Every host that this process connects to while the page is served."""
    return []


@pytest.fixture(scope="module")
def address(articles, reached) -> Iterator[str]:
    connect = socket.socket.connect

    def connect_and_tell(self, place):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            reached.append(place[0])
        return connect(self, place)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_and_tell)
        page = serve.build_page(
            FakeFinder(articles), FakeClassifier(articles), articles, load_scheme()
        )
        yield serve.launch(page)
        page.close(verbose=False)


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """A page's server leaves its event loop to be collected: here, not in a later test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        found = next(filter(None, map(shutil.which, CHROMIUMS)), str(own) if own.exists() else None)
        if found is None:
            pytest.skip("no Chromium is installed; apt install chromium, or playwright install")
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Opens the page as a visitor would; afterwards nothing may have gone wrong in it."""
    contexts, troubles = [], []

    def open_it(query: str = "", **settings) -> Page:
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 860}, "locale": "en-US"} | settings
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        expect.set_options(timeout=20_000)  # five seconds are short beside another process
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        page.on("dialog", lambda dialog: (troubles.append(dialog.message), dialog.dismiss()))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((address, "blob:", "data:"))
                else troubles.append(request.url)
            ),
        )
        page.goto(address + query)
        expect(page.locator("#article-text .article")).to_be_visible()
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert troubles == []


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.wait_for_timeout(700)  # let the scrolling come to rest
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def ask(page: Page, question: str) -> None:
    page.locator("#question input").fill(question)
    page.locator("#question input").press("Enter")


def paste(page: Page, text: str) -> None:
    page.locator("#choice input").click()
    page.get_by_role("option").last.click()
    page.locator("#pasted textarea").fill(text)


def answered(articles: list[Article]) -> tuple[str, str]:
    """A question far down the first article, and its answer."""
    question = articles[0].questions[14]
    return question.question, question.answers[0].text


@pytest.mark.browser
def test_the_page_opens_in_arabic_right_to_left_whatever_the_browser_speaks(open_page):
    page = open_page()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    expect(page.locator("#ask")).to_have_text("اسأل")
    expect(page.get_by_role("tab")).to_have_text(["الإجابات", "الأحداث"])
    expect(page.get_by_label("سؤالك")).to_be_visible()
    picture(page, "arabic")


@pytest.mark.browser
def test_enter_asks_and_the_answer_is_marked_where_the_reader_sees_it(open_page, articles):
    page = open_page()
    question, answer = answered(articles)
    ask(page, question)
    expect(page.locator(".card .words").first).to_have_text(answer)
    expect(page.locator(".card").first).to_contain_text("94%")
    mark = page.locator("#article-text mark.best")
    expect(mark).to_have_text(answer)
    expect(mark).to_be_in_viewport()
    whole = page.locator("#article-text .article").evaluate("element => element.textContent")
    assert whole == articles[0].text
    picture(page, "arabic-answer")


@pytest.mark.browser
def test_an_example_question_without_an_answer_is_met_with_a_plain_sentence(open_page):
    page = open_page()
    page.locator("#examples button").last.click()
    expect(page.locator(".not-said")).to_have_text("المقال لا يذكر ذلك.")
    expect(page.locator("#article-text mark")).to_have_count(0)
    picture(page, "arabic-no-answer")


@pytest.mark.browser
def test_the_switch_changes_every_label_the_results_and_the_direction(open_page):
    page = open_page()
    page.locator("#examples button").last.click()
    expect(page.locator(".not-said")).to_be_visible()
    page.get_by_text("English").click()
    expect(page.locator("html")).to_have_attribute("dir", "ltr")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator(".not-said")).to_have_text("The article does not say.")
    expect(page.get_by_role("tab")).to_have_text(["Answers", "Events"])
    expect(page.locator("#ask")).to_have_text("Ask")
    assert not re.search("[\u0621-\u064a]", page.locator("#tagline").inner_text())
    expect(page.get_by_label("Your question")).to_be_visible()
    expect(page.locator("#article-text .article")).to_have_css("direction", "rtl")
    expect(page.locator("#question input")).to_have_css("direction", "rtl")
    assert page.url.endswith("lang=en")
    page.reload()
    expect(page.locator("#ask")).to_have_text("Ask")
    expect(page.get_by_role("tab")).to_have_text(["Answers", "Events"])
    picture(page, "english")
    page.get_by_text("العربية").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.get_by_role("tab")).to_have_text(["الإجابات", "الأحداث"])


@pytest.mark.browser
def test_events_colour_the_article_with_legend_and_table(open_page, articles):
    page = open_page()
    page.get_by_role("tab").last.click()
    rows = page.locator("#events tbody tr")
    expect(rows.first).to_be_visible()
    events = sum(len(types) for types in articles[0].sentence_types())
    expect(rows).to_have_count(events)
    expect(page.locator("ul.legend")).to_contain_text("تشاور ولقاء")
    mark = page.locator("#article-text mark.event").last
    expect(mark).to_have_attribute("data-label", "اتهام وإدانة")
    rows.last.get_by_role("button").click()
    expect(mark).to_have_class(re.compile("shown"))
    expect(mark).to_be_in_viewport()
    picture(page, "arabic-events")
    page.get_by_role("tab").first.click()
    expect(page.locator("#article-text mark")).to_have_count(0)


@pytest.mark.browser
def test_a_pasted_script_is_text(open_page):
    page = open_page()
    code = "<script>alert(1)</script><img src=x onerror=alert(2)> ${alert(3)} {{7*7}} @children "
    paste(page, code + PASTED)
    ask(page, "من التقى نظيره؟")
    expect(page.locator(".card").first).to_be_visible()
    text = page.locator("#article-text .article").evaluate("element => element.textContent")
    assert text == code + PASTED
    assert page.locator("#article-text .article :not(mark)").count() == 0
    picture(page, "arabic-pasted")


@pytest.mark.browser
def test_an_article_that_is_too_long_is_refused_clearly_and_a_shorter_one_read(open_page):
    page = open_page()
    paste(page, "نص " * 16_667)  # 50,001 characters
    ask(page, "من؟")
    problem = page.get_by_role("alert").filter(has_text="50,000")
    expect(problem).to_contain_text("50,001")
    expect(problem).to_be_in_viewport(ratio=1)
    picture(page, "arabic-too-long")
    page.get_by_text("English").click()
    expect(page.locator("#answers")).to_contain_text("longer than the limit")
    page.locator("#pasted textarea").fill(PASTED)
    ask(page, "من التقى نظيره؟")
    expect(page.locator(".card").first).to_be_visible()


@pytest.mark.browser
def test_results_can_be_copied_and_saved(open_page, articles):
    page = open_page("?lang=en", permissions=["clipboard-read", "clipboard-write"])
    question, answer = answered(articles)
    ask(page, question)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["answers"][0]["text"] == answer
    saved = {}
    for kind in ("JSON", "CSV"):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Download {kind}").click()
        assert download.value.suggested_filename == f"hadath-answers.{kind.lower()}"
        saved[kind] = Path(download.value.path()).read_bytes()
    assert json.loads(saved["JSON"]) == copied
    assert saved["CSV"].startswith(b"\xef\xbb\xbfquestion,")
    assert answer in saved["CSV"].decode()


@pytest.mark.browser
@pytest.mark.parametrize("query", ["", "?lang=en"])
def test_a_phone_shows_everything_without_scrolling_sideways(open_page, query):
    name = "english" if query else "arabic"
    page = open_page(query, viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.locator("#examples button").first.click()
    expect(page.locator(".card").first).to_be_visible()
    picture(page, f"phone-{name}")
    page.get_by_role("tab").last.click()
    expect(page.locator("#events tbody tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    size = page.locator("#article-text .article").evaluate("e => getComputedStyle(e).fontSize")
    assert float(size.removesuffix("px")) >= 17
    picture(page, f"phone-{name}-events")


def call(address: str, name: str, body: object) -> tuple[str, dict]:
    """What curl sees: (event, data) of one call by name."""
    start = httpx.post(
        f"{address}gradio_api/call/v2/{name}",
        content=json.dumps(body),  # ASCII, so that a lone surrogate can be sent
        headers={"Content-Type": "application/json"},
    )
    event = start.json()["event_id"]
    lines = httpx.get(f"{address}gradio_api/call/v2/{name}/{event}").text.splitlines()
    data = json.loads(lines[1].removeprefix("data: "))
    return lines[0].removeprefix("event: "), data[0] if isinstance(data, list) else data


def test_curl_can_ask_and_find_events(address):
    event, record = call(address, "ask", {"question": "من التقى نظيره؟", "article": PASTED})
    assert event == "complete"
    (answer,) = record["answers"]
    assert PASTED[answer["start"] : answer["end"]] == answer["text"]
    event, record = call(address, "events", {"article": PASTED})
    assert [list(sentence["types"]) for sentence in record["sentences"]] == [
        ["CONSULT"], ["ASSAULT"], [],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "The question is empty"),
        ({"question": "من؟", "article": "x", "language": "ar"}, "لا توجد كلمة عربية في المقال"),
        ({"question": "من؟", "article": "ن" * 50_001}, "50,001"),
        ({"question": "من؟", "article": PASTED, "top": 11}, "from 1 to 10"),
        ({"question": 7, "article": None, "language": []}, "السؤال ليس نصًا"),
        ({"question": "من؟", "article": "\ud800 نص"}, "U+D800"),
    ],
)
def test_the_api_says_what_is_wrong(address, body, said, caplog):
    event, error = call(address, "ask", body)
    assert event == "error"
    assert said in error["error"]
    assert "Traceback" not in caplog.text


def test_gradio_client_sees_two_named_endpoints(address):
    client = Client(address, verbose=False)
    try:
        api = client.view_api(print_info=False, return_format="dict")
        assert sorted(api["named_endpoints"]) == ["/ask", "/events"]
        assert client.predict("من التقى نظيره؟", PASTED, api_name="/ask")["found"]
        with pytest.raises(AppError, match="The article is empty"):
            client.predict("  ", api_name="/events")
    finally:
        client.close()


def test_serving_reaches_no_other_machine(address, reached):
    httpx.get(address)
    assert reached
    assert set(reached) <= {"127.0.0.1", "::1", "localhost"}


def test_with_accounts_the_page_and_its_api_are_shut(articles):
    page = serve.build_page(FakeFinder(), FakeClassifier(), articles[:1], load_scheme())
    address = serve.launch(page, accounts=[("sara", "pass:word")])
    try:
        body = {"article": PASTED}
        assert httpx.post(f"{address}gradio_api/call/v2/events", json=body).status_code == 401
        for password, status in (("pass", 400), ("pass:word", 200)):
            form = {"username": "sara", "password": password}
            assert httpx.post(f"{address}login", data=form).status_code == status
    finally:
        page.close(verbose=False)


def test_a_port_that_is_taken_or_none_is_one_clear_line(address):
    taken = int(address.rstrip("/").rsplit(":", 1)[1])
    page = serve.build_page(FakeFinder(), FakeClassifier(), [], load_scheme())
    for port, found in ((taken, "not free"), (70_000, "there is none")):
        with pytest.raises(serve.HadathError, match=rf"{port}: {found}; give another --port"):
            serve.launch(page, port=port)


def test_the_command_prints_the_address_and_nothing_else(monkeypatch, capsys):
    page = serve.build_page(FakeFinder(), FakeClassifier(), [], load_scheme())
    monkeypatch.setattr(serve, "_load_page", lambda options: page)
    monkeypatch.setattr(page, "block_thread", lambda: page.close(verbose=False))
    monkeypatch.setenv("HADATH_AUTH", "sara:pass:word")
    assert serve.main([]) == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\n", out)
    assert err == ""
