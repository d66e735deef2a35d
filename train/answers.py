"""The answer finder's recipe: load, fit choosing the epoch on dev, save with numbers fitted on dev.

It does not know the test split.
"""

import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from transformers import PreTrainedTokenizerFast, set_seed

from hadath.annotations import Article, Question
from hadath.config import AnswersConfig
from hadath.decode import Candidate
from hadath.errors import HadathError
from hadath.features import WindowSize, refuse_long_annotated_questions
from hadath.models import Model, ModelSettings, load_base, refuse_other_folder
from hadath.predict import AnswerFinder
from hadath.role_questions import load_templates, role_questions
from hadath.scores import score_answers
from train.augment import beside_strangers, questions_in_plain_alefs
from train.data import training_articles
from train.examples import AnswerRows, answer_rows
from train.finish import base_settings, finish
from train.judge import asked_of, fit_answers
from train.loop import Recipe, fit, refuse_several_processes, refuse_wide_window
from train.losses import answers_loss
from train.negatives import moved_questions
from train.record import beginning
from train.rereading import Asked, Finder, refuse_without_head, reread_rows

GOAL = "f1"


def train_answers(config: AnswersConfig, *, resume: bool = False) -> Model:
    """Fine-tune, fit temperature and no-answer threshold on dev, save into `config.output`."""
    train, sets = training_articles(config)
    began = beginning(config.files)
    dev = list(chain.from_iterable(sets))
    refuse_unasked(config, train, dev)
    set_seed(config.seed)  # of a new head; the Trainer sets it again for the rest
    network, tokenizer = load_base(
        config.base,
        "answers",
        **base_settings(config),
    )
    refuse_long_annotated_questions(
        tokenizer, [*train, *dev], WindowSize(config.window, config.stride)
    )
    settings = ModelSettings(
        task="answers",
        base=config.base,
        window=config.window,
        stride=config.stride,
        longest_answer=config.longest_answer,
        rereads=config.rereads,
        reread_share=config.reread_share,
    )
    model = Model(network=network, tokenizer=tokenizer, settings=settings, name=config.output)
    if config.rereads:
        # What `fit` refuses too: before the reading, which takes minutes.
        refuse_several_processes("rereads")
        refuse_without_head(network, config.base)
        refuse_wide_window(network, tokenizer, config.window, config.base)
        refuse_other_folder(config.output)
        sys.stderr.write(f"{config.base} reads the training questions, for its best answers\n")
    built = rows_of(train, tokenizer, config, partial(_first_reading, model, config.device))
    sys.stderr.write(
        f"{built.questions} questions on {len(train)} articles: {len(built.rows)} windows, "
        f"{built.marked} of them for the second reading; {built.cost}\n"
    )
    log = fit(
        Recipe(model, built.rows, answers_loss, partial(_judge, dev=sets), GOAL),
        config,
        resume=resume,
    )
    return finish(model, config, log, fit=lambda it: fit_answers(it, *sets), goal=GOAL, began=began)


def refuse_unasked(config: AnswersConfig, train: Sequence[Article], dev: Sequence[Article]) -> None:
    """Raise HadathError where train or dev has no question."""
    for files, articles in ((config.train, train), (config.dev, dev)):
        if not asked_of(articles):
            raise HadathError(f"{', '.join(files)}: no question in these files; annotate some")


def rows_of(
    train: Sequence[Article],
    tokenizer: PreTrainedTokenizerFast,
    config: AnswersConfig,
    find: Finder | None = None,
) -> AnswerRows:
    """The windows of all questions, by hand, made from events and moved, their texts varied.

    With `find`, and `rereads` in the config, those of the candidates too that it gives.
    """
    asked = asked_of(train) + drawn_role_questions(train, config)
    asked += moved_questions(train, config.moved_questions, config.seed)
    asked = beside_strangers(asked, config.strangers, config.seed)
    asked = questions_in_plain_alefs(asked, config.plain_alefs, config.seed)
    size = WindowSize(config.window, config.stride)
    built = answer_rows(
        tokenizer, asked, size, empty_windows=config.empty_windows, seed=config.seed
    )
    if find is None or not config.rereads:
        return built
    again = reread_rows(tokenizer, asked, find, size, count=config.rereads, seed=config.seed)
    return replace(built, rows=built.rows + again, marked=len(again))


def _first_reading(model: Model, device: str, asked: Asked) -> list[list[Candidate]]:
    """What the base takes for answers, read once."""
    once = replace(model, settings=replace(model.settings, rereads=0))
    finder = AnswerFinder(once, device=None if device == "auto" else device)
    return finder.candidates([(each.question, article) for each, article in asked])


def drawn_role_questions(
    articles: Sequence[Article], config: AnswersConfig
) -> list[tuple[Question, Article]]:
    """Role questions made from annotated events, `role_questions` for each hand-written one."""
    wanted = round(config.role_questions * len(asked_of(articles)))
    if not wanted or not any(article.events for article in articles):
        return []
    templates = load_templates(config.scheme)
    made = [
        (question, article)
        for article in articles
        if article.events
        for question in role_questions(article, templates, seed=config.seed)
    ]
    return random.Random(config.seed).sample(made, min(wanted, len(made)))


def _judge(model: Model, dev: Sequence[Sequence[Article]]) -> dict[str, float]:
    figures = score_answers(fit_answers(model, *dev).results, draws=1).figures
    shown = ("exact_match", "f1", "forced_f1", "decision_accuracy")
    return {name: figures[name].value for name in shown if name in figures}
