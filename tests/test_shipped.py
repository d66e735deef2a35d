"""The shipped models, end to end: what a stranger meets first."""

import subprocess
import sys
from pathlib import Path

import pytest
from transformers import (
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

from hadath import AnswerFinder, EventClassifier
from hadath.ontology import load_scheme
from hadath.scores import score_answers, score_events
from hadath.text import fold
from train.judge import answer_results, event_results
from train.perturbations import (
    as_copied,
    with_diacritics,
    with_other_final_letters,
    with_plain_alefs,
    with_tatweel,
)
from train.summary import summary

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def finder():
    return AnswerFinder.load()


@pytest.fixture(scope="module")
def classifier():
    return EventClassifier.load()


def test_the_shipped_models_take_at_most_64_megabytes_and_hold_no_pickle():
    files = [path for path in (ROOT / "models").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 64_000_000
    assert not [path for path in files if path.suffix in {".bin", ".pt", ".pth", ".pkl", ".ckpt"}]
    assert {path.parent.name for path in files if path.suffix == ".safetensors"} == {
        "answers",
        "events",
    }


@pytest.mark.parametrize(
    ("task", "kind"),
    [("answers", AutoModelForQuestionAnswering), ("events", AutoModelForSequenceClassification)],
)
def test_stock_transformers_loads_them_alone(task, kind):
    folder = ROOT / "models" / task
    network = kind.from_pretrained(folder)
    assert sum(p.numel() for p in network.parameters()) > 25_000_000
    assert AutoTokenizer.from_pretrained(folder)("خبر عاجل")["input_ids"]


def test_the_readme_shows_the_figures_of_the_score_sheets():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert summary(ROOT / "model_cards") in readme


def test_a_real_question_gets_its_answer_from_a_real_article(finder, seed_articles):
    [answer] = finder.ask(
        "إلى أي مدينة وصل وزير التجارة الخارجية الكوري الشمالي؟", seed_articles[0]
    )
    assert answer.text == "موسكو"
    assert seed_articles[0].text[answer.start : answer.end] == answer.text


def test_a_visit_is_a_consult_and_a_bombardment_an_assault(classifier):
    [visit, shelling] = classifier(
        "التقى الرئيس المصري نظيره الفرنسي في باريس وأجرى معه محادثات. "
        "قصفت القوات مواقع المسلحين وقتلت عشرة منهم."
    )
    assert "CONSULT" in visit.types and "ASSAULT" in shelling.types
    assert classifier.labels == tuple(kind.name for kind in load_scheme().types)


def test_events_depend_on_no_spelling(classifier, seed_articles):
    text = seed_articles[0].text[:1500]
    other = with_tatweel(with_diacritics(with_other_final_letters(with_plain_alefs(text))))
    assert other != text
    one, two = ([sentence.scores for sentence in classifier(each)] for each in (text, other))
    assert len(one) == len(two) > 3
    for scores, others in zip(one, two, strict=True):
        assert scores == pytest.approx(others, abs=0.02)


def test_what_a_page_leaves_in_a_copied_text_changes_nothing(finder, classifier, seed_articles):
    article = seed_articles[1]
    copied = as_copied(article.text)
    assert {"\r", "\t", "\u200b", "\u200f", "\u00a0"} <= set(copied)
    one, two = (
        [sentence.types for sentence in classifier(each)] for each in (article.text, copied)
    )
    assert len(one) == len(two) > 3
    for types, others in zip(one, two, strict=True):
        assert types == pytest.approx(others, abs=0.02)
    asked = [question.question for question in article.questions[::4]]
    plain, other = (
        finder.ask_many([(question, text) for question in asked]) for text in (article.text, copied)
    )
    for answers, others in zip(plain, other, strict=True):
        assert [fold(answer.text) for answer in answers] == [fold(each.text) for each in others]
        assert all(copied[each.start : each.end] == each.text for each in others)


def test_answers_hardly_depend_on_how_carelessly_one_types(finder, seed_articles):
    def careless(text: str) -> str:
        return with_other_final_letters(with_plain_alefs(text))

    article = seed_articles[1]
    asked = [question.question for question in article.questions[::3]]
    plain = finder.ask_many([(question, article.text) for question in asked])
    typed = finder.ask_many([(careless(question), careless(article.text)) for question in asked])
    places = [
        [[(answer.start, answer.end) for answer in answers] for answers in each]
        for each in (plain, typed)
    ]
    same = sum(one == other for one, other in zip(*places, strict=True))
    assert len(asked) >= 10 and same >= 0.8 * len(asked)


def test_the_shipped_models_are_far_above_chance_on_real_news(finder, classifier, seed_articles):
    answers = score_answers(answer_results(finder, seed_articles[1:2]), draws=1).figures
    events = score_events(event_results(classifier, seed_articles[:3]), draws=1).figures
    assert answers["forced_f1"].value > 0.3
    assert events["micro_f1"].value > 0.4


def test_the_command_line_answers_offline_from_any_folder(tmp_path, seed_articles):
    article = tmp_path / "article.txt"
    article.write_text(seed_articles[0].text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "hadath", "events", str(article)],
        capture_output=True, text=True, cwd=tmp_path, encoding="utf-8",
        env={"PATH": "", "HF_HUB_OFFLINE": "1", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "CONSULT" in done.stdout and done.stderr == ""
