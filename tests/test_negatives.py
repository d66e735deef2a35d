"""Questions moved to articles that do not answer them."""

from pathlib import Path

import pytest

from hadath.annotations import Article, Question, Span, read_articles
from hadath.config import AnswersConfig
from hadath.models import load_base
from hadath.text import fold
from train.answers import rows_of
from train.judge import asked_of
from train.negatives import moved_questions

ROOT = Path(__file__).parents[1]


def article(name: str, text: str, *facts: tuple[str, str | None]) -> Article:
    questions = tuple(
        Question(f"q{number}", asked, () if said is None else (Span(text.index(said), said),))
        for number, (asked, said) in enumerate(facts)
    )
    return Article(name, text, questions=questions)


@pytest.fixture(scope="module")
def moved(dev_articles) -> list[tuple[Question, Article]]:
    return moved_questions(dev_articles, 1.0, seed=3)


def homes(articles: list[Article]) -> dict[str, list[tuple[Question, Article]]]:
    """{question: the (question, article)s that ask it}."""
    found: dict[str, list[tuple[Question, Article]]] = {}
    for question, home in asked_of(articles):
        found.setdefault(question.question, []).append((question, home))
    return found


def test_no_moved_questions_answer_stands_in_its_new_article(moved, dev_articles):
    asked = homes(dev_articles)
    assert moved
    for question, target in moved:
        origins = [one for one in asked[question.question] if f"{one[0].id}-moved" == question.id]
        # Where two articles ask the same under the same id, one of them is where it came from.
        assert any(
            all(fold(span.text) not in fold(target.text) for span in one.answers)
            and home.id != target.id
            for one, home in origins
        )


def test_a_moved_question_has_no_answer_and_an_id_of_its_own(moved, dev_articles):
    ids = {question.id for question, _ in asked_of(dev_articles)}
    assert all(question.answers == () and question.id not in ids for question, _ in moved)
    assert all(target in dev_articles for _, target in moved)


def test_share_and_seed_alone_decide_what_is_moved(dev_articles):
    answerable = sum(bool(question.answers) for question, _ in asked_of(dev_articles))
    for share in (0.1, 0.5):
        made = moved_questions(dev_articles, share, seed=1)
        assert len(made) == round(share * answerable)
        assert made == moved_questions(dev_articles, share, seed=1)
        assert made != moved_questions(dev_articles, share, seed=2)
    assert moved_questions(dev_articles, 0, seed=1) == []


def test_the_nearest_article_that_lacks_the_answer_is_taken():
    home = article("home", "زار الوزير بيروت أمس.", ("أين زار الوزير؟", "بيروت"))
    joined = article("joined", "زار الوزير طرابلس وبيروت أمس.")  # و joined to the answer
    near = article("near", "زار الوزير دمشق أمس.")
    far = article("far", "ارتفعت أسعار النفط اليوم.")
    ((question, target),) = moved_questions([far, joined, home, near], 1.0, seed=1)
    assert (question.question, target.id) == ("أين زار الوزير؟", "near")
    ((_, target),) = moved_questions([far, joined, home], 1.0, seed=1)
    assert target.id == "far"


def test_where_no_article_fits_nothing_is_moved():
    home = article("home", "زار الوزير بيروت.", ("أين؟", "بيروت"), ("من نام؟", None))
    again = article("again", "بيروت مدينة.")
    assert moved_questions([home, again], 1.0, seed=1) == []
    assert moved_questions([home], 1.0, seed=1) == []
    assert moved_questions([], 1.0, seed=1) == []


def test_moved_questions_become_windows_without_an_answer(tiny_base, little_data):
    train = read_articles(little_data / "train.jsonl")
    _, tokenizer = load_base(tiny_base, "answers")
    built = [
        rows_of(
            train, tokenizer,
            AnswersConfig(base="any", output="any", train=("t",), dev=("d",), window=64, stride=16,
                          role_questions=0, moved_questions=share),
        )
        for share in (0.0, 0.5)
    ]  # fmt: skip
    made = len(moved_questions(train, 0.5, seed=1))
    assert made and built[1].questions == built[0].questions + made
    more = built[1].rows[len(built[0].rows) :]
    assert built[1].rows[: len(built[0].rows)] == built[0].rows
    assert len(more) >= made and all(row["gold"] == [(0, 0)] for row in more)
