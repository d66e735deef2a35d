"""The page: ask an article, see its events, in Arabic or English, and both by API too.

It does not know how answers are found (hadath.predict) nor what the page says and shows (page/).
"""

import argparse
import contextlib
import hmac
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from hadath.annotations import Article, read_articles
from hadath.errors import HadathError
from hadath.files import read_mapping, read_text
from page.desk import PASTED, Classifier, Desk, Finder, Shown
from page.words import LANGUAGES, told, words_of

if TYPE_CHECKING:  # the command line brings it when it has been read
    from hadath.ontology import Scheme

_HERE = Path(__file__).parent
_SEEDS = _HERE / "data" / "seeds" / "seeds.jsonl"
_EXAMPLES = _HERE / "page" / "examples.yaml"
_WAITING = 32  # requests that may wait; the next is told that the queue is full
_ACCOUNTS = "HADATH_AUTH"

_SANS = ("Noto Sans Arabic", "Segoe UI", "Geeza Pro", "Tahoma", "system-ui", "sans-serif")
_MONO = ("Noto Sans Mono", "Consolas", "monospace")

_UNNAMED: dict[str, Any] = {"api_visibility": "private"}
_ONE_AT_A_TIME: dict[str, Any] = {"concurrency_id": "models", "concurrency_limit": 1}

_NAME = '<h1><span lang="ar">حَدَث</span> <span lang="en">Hadath</span></h1>'

say = gr.I18n(**{language: words_of(language) for language in LANGUAGES})


def build_page(
    finder: Finder,
    classifier: Classifier,
    articles: Sequence[Article],
    scheme: "Scheme",
    examples: Mapping[str, Sequence[str]] | None = None,
) -> gr.Blocks:
    """The page and its API, ready to `launch(page)`. Models and articles are those given.

    `examples`: article id -> questions to offer instead of the article's own.
    """
    desk = Desk(finder, classifier, articles, scheme, examples)
    with gr.Blocks(title="حَدَث · Hadath", analytics_enabled=False) as page:
        _Screen(desk).build(page)
        _add_api(desk)
    page.queue(max_size=_WAITING, default_concurrency_limit=1)
    return page


def launch(
    page: gr.Blocks,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    accounts: Sequence[tuple[str, str]] = (),
) -> str:
    """Serve the page and return its address; with no port, the first free one from 7860."""
    if port is not None and not 0 < port < 65536:
        raise HadathError(f"port {port}: there is none; give another --port, 1 to 65535")
    script = (_HERE / "page" / "script.js").read_text("utf-8")
    try:
        _, address, _ = page.launch(
            server_name=host,
            server_port=port,
            share=False,
            auth=_door(accounts) if accounts else None,
            prevent_thread_lock=True,
            quiet=True,
            run_history=False,  # questions stay out of the browser's storage
            enable_monitoring=False,
            state_session_capacity=500,  # visitors whose article and results are kept in memory
            max_file_size="1kb",  # the page takes no files
            footer_links=["api"],
            i18n=say,
            theme=_theme(),
            css_paths=[_HERE / "page" / "style.css"],
            head=f"<script>{script}</script>",
        )
    except OSError as error:
        raise HadathError(
            f"{host}:{port or 7860}: not free; give another --port, or a --host of this machine"
        ) from error
    return address


def _theme() -> gr.themes.Base:
    """Fonts that the system has, none from the network; text that stands out from its paper."""
    theme = gr.themes.Base(primary_hue="teal", neutral_hue="slate", font=_SANS, font_mono=_MONO)
    return theme.set(
        color_accent="*primary_700",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_title_text_color="*neutral_700",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
    )


def read_accounts(path: str | None, environment: str | None) -> list[tuple[str, str]]:
    """(user, password) from the lines of a file and of the environment's HADATH_AUTH."""
    sources = [(path, read_text(path))] if path else []
    if environment:
        sources.append((_ACCOUNTS, environment))
    accounts = []
    for place, text in sources:
        lines = [line.strip("\r") for line in text.split("\n")]
        for number, line in enumerate(lines, 1):
            if line.strip():
                user, colon, password = line.partition(":")
                if not (user and colon and password):
                    raise HadathError(
                        f"{place}:{number}: not user:password; write one account a line"
                    )
                accounts.append((user, password))
    if sources and not accounts:
        raise HadathError(f"{sources[0][0]}: no account in it; write user:password, one a line")
    return accounts


class _Screen:
    """The page's components, and what each of them sets going."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.first = desk.titles()[0][1] if desk.titles() else PASTED
        self.shown = desk.choose(self.first, Shown())
        self.drawn = desk.draw(self.shown, LANGUAGES[0])
        self.words = words_of(LANGUAGES[0])

    def build(self, page: gr.Blocks) -> None:
        self.state = gr.State(self.shown)
        self._build_header()
        with gr.Row(elem_id="desk"):
            with gr.Column(scale=5, min_width=320, elem_id="results"):
                self._build_choice()
                with gr.Tabs():
                    self._build_answers()
                    self._build_events()
            with gr.Column(scale=6, min_width=320, elem_id="reading"):
                self.article = gr.HTML(self.drawn.article, elem_id="article-text")
        self.views = [self.state, self.article, self.answers, self.events]
        self._connect(page)

    def _build_header(self) -> None:
        with gr.Row(elem_id="header"):
            gr.HTML(_NAME, elem_id="name")
            gr.HTML(say("tagline"), elem_id="tagline")
            self.language = gr.Radio(
                [("العربية", "ar"), ("English", "en")],
                value=LANGUAGES[0],
                label=say("language"),
                show_label=False,
                container=False,
                scale=0,
                elem_id="language",
            )

    def _build_choice(self) -> None:
        self.choice = gr.Dropdown(
            [*self.desk.titles(), (say("paste_choice"), PASTED)],
            value=self.first,
            label=say("article"),
            filterable=False,
            elem_id="choice",
        )
        self.pasted = gr.Textbox(
            label=say("pasted"),
            placeholder=say("pasted_hint"),
            info=say("pasted_limit"),
            lines=5,
            max_lines=8,
            rtl=True,
            visible=self.first == PASTED,
            elem_id="pasted",
        )

    def _build_answers(self) -> None:
        with gr.Tab(self.words["answers_tab"], id="answers") as self.answers_tab:
            with gr.Row(elem_id="question-row"):
                self.question = gr.Textbox(
                    label=say("question"),
                    placeholder=say("question_hint"),
                    rtl=True,
                    max_lines=1,
                    scale=1,
                    elem_id="question",
                )
                self.ask = gr.Button(say("ask"), variant="primary", scale=0, elem_id="ask")
            self.examples = gr.Dataset(
                label=say("examples"),
                components=["textbox"],
                samples=[[question] for question in self.desk.examples(self.first)],
                layout="gallery",
                elem_id="examples",
            )
            self.answers = gr.HTML(self.drawn.answers, elem_id="answers")

    def _build_events(self) -> None:
        with gr.Tab(self.words["events_tab"], id="events") as self.events_tab:
            self.find = gr.Button(say("find_events"), variant="primary", elem_id="find-events")
            self.events = gr.HTML(self.drawn.events, elem_id="events")

    def _connect(self, page: gr.Blocks) -> None:
        desk, article = self.desk, [self.choice, self.pasted]
        question = [*article, self.question]
        self._on(self.choice.input, desk.choose, [self.choice]).then(
            self._offer, self.choice, [self.pasted, self.question, self.examples], **_UNNAMED
        )
        self._on(self.ask.click, desk.ask, question)
        self._on(self.question.submit, desk.ask, question)
        taken = self.examples.click(_only, self.examples, self.question, **_UNNAMED)
        self._on(taken.then, desk.ask, question)
        self._on(self.find.click, desk.find_events, article)
        self._on(self.answers_tab.select, desk.turn_to_answers, article)
        self._on(self.events_tab.select, desk.turn_to_events, article)
        self._on(self.language.change, _only, [], js="(...inputs) => hadath.speak(inputs)")
        # Gradio translates the open tab's label alone.
        tabs = [self.answers_tab, self.events_tab]
        self.language.change(_name_tabs, self.language, tabs, **_UNNAMED)
        page.load(None, None, self.language, js="() => hadath.language()", **_UNNAMED)

    def _on(
        self,
        event: Callable[..., Any],
        step: Callable[..., Shown],
        inputs: Sequence[gr.components.Component],
        *,
        js: str | None = None,
    ) -> Any:  # noqa: ANN401 - what Gradio's events give, to chain on
        """At the event, take the step from what the visitor sees, and draw what it leads to."""

        def take(*values: Any) -> tuple[Shown, str, str, str]:  # noqa: ANN401 - what the fields hold
            *asked, language, shown = values
            shown = step(*asked, shown)
            drawn = self.desk.draw(shown, language)
            return shown, drawn.article, drawn.answers, drawn.events

        done = event(
            take,
            [*inputs, self.language, self.state],
            self.views,
            js=js,
            show_progress="minimal",
            show_progress_on=[self.answers, self.events],
            **_ONE_AT_A_TIME,
            **_UNNAMED,
        )
        return done.then(None, js="() => hadath.reveal()", **_UNNAMED)

    def _offer(self, choice: str) -> tuple[Any, Any, Any]:
        """For another article: the box to paste into, an empty question, example questions."""
        samples = [[question] for question in self.desk.examples(choice)]
        return (
            gr.Textbox(visible=choice == PASTED),
            "",
            gr.Dataset(samples=samples, visible=bool(samples)),
        )


def _add_api(desk: Desk) -> None:
    """POST /ask and /events, for curl, gradio_client and whatever speaks HTTP."""

    def ask(
        question: str = "", article: str = "", top: int = 3, language: str = "en"
    ) -> dict[str, Any]:
        with _refusals_told(language):
            return desk.answers_record(question, article, top)

    def events(article: str = "", language: str = "en") -> dict[str, Any]:
        with _refusals_told(language):
            return desk.events_record(article)

    gr.api(
        ask,
        api_name="ask",
        api_description="Answers to a question in the article's own words, the likeliest first. "
        "`top`: how many, 1 to 10. `language` of error messages: en or ar.",
        **_ONE_AT_A_TIME,
    )
    gr.api(
        events,
        api_name="events",
        api_description="The article's sentences and the event types that each reports. "
        "`language` of error messages: en or ar.",
        **_ONE_AT_A_TIME,
    )


@contextlib.contextmanager
def _refusals_told(language: str) -> Iterator[None]:
    try:
        yield
    except HadathError as error:
        raise gr.Error(told(error, language), print_exception=False) from error


def _name_tabs(language: str) -> list[gr.Tab]:
    return [gr.Tab(label=words_of(language)[key]) for key in ("answers_tab", "events_tab")]


def _only(value: Any) -> Any:  # noqa: ANN401 - what a field holds
    return value[0] if isinstance(value, list) else value


def _door(accounts: Sequence[tuple[str, str]]) -> Callable[[str, str], bool]:
    """Tells whether a user may enter, taking as long over a wrong password as over the right."""
    known = [f"{user}:{password}".encode("utf-8", "surrogatepass") for user, password in accounts]

    def may_enter(user: str, password: str) -> bool:
        given = f"{user}:{password}".encode("utf-8", "surrogatepass")
        return any([hmac.compare_digest(account, given) for account in known])

    return may_enter


def main(arguments: Sequence[str] | None = None) -> int:
    """Load the models, serve the page, wait. Exit status 1 where something does not fit."""
    options = _parser().parse_args(arguments)
    try:
        accounts = read_accounts(options.auth_file, os.environ.get(_ACCOUNTS))
        page = _load_page(options)
        address = launch(page, host=options.host, port=options.port, accounts=accounts)
    except HadathError as error:
        sys.stderr.write(f"serve.py: {error}\n")
        return 1
    if options.host not in ("127.0.0.1", "localhost", "::1") and not accounts:
        sys.stderr.write(
            f"open to whoever reaches {options.host}; --auth-file asks for a password\n"
        )
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()
    page.block_thread()
    return 0


def _load_page(options: argparse.Namespace) -> gr.Blocks:
    # torch takes seconds to import: only once the options are known to be right.
    from hadath.ontology import load_scheme
    from hadath.predict import AnswerFinder, EventClassifier

    return build_page(
        AnswerFinder.load(options.answers),
        EventClassifier.load(options.events),
        read_articles(options.articles),
        load_scheme(options.scheme),
        read_mapping(_EXAMPLES),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="serve.py", description="Serve the Hadath page and its API, on this machine alone."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, help="port (the first free one from 7860)")
    parser.add_argument(
        "--auth-file",
        metavar="FILE",
        help=f"accounts, user:password a line; the environment's {_ACCOUNTS} does as well",
    )
    parser.add_argument("--answers", metavar="MODEL", help="answer model: folder or hub name")
    parser.add_argument("--events", metavar="MODEL", help="event model: folder or hub name")
    parser.add_argument(
        "--articles", metavar="FILE", default=_SEEDS, help="articles to choose from (JSON Lines)"
    )
    parser.add_argument("--scheme", default="plover", help="event types (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
