"""The answer finder's recipe: load, fit choosing the epoch on dev, save with numbers fitted on dev.

It does not know the test split.
"""

import random
import sys
from collections.abc import Sequence
from functools import partial
from itertools import chain

from transformers import PreTrainedTokenizerFast, set_seed

from hadath.annotations import Article, Question
from hadath.config import AnswersConfig
from hadath.errors import HadathError
from hadath.features import WindowSize, refuse_long_annotated_questions
from hadath.models import Model, ModelSettings, load_base
from hadath.role_questions import load_templates, role_questions
from hadath.scores import score_answers
from train.augment import beside_strangers, questions_in_plain_alefs, respelt
from train.data import training_articles
from train.examples import AnswerRows, answer_rows
from train.finish import base_settings, finish
from train.judge import asked_of, fit_answers
from train.loop import Recipe, fit
from train.losses import answers_loss
from train.negatives import moved_questions
from train.record import beginning

GOAL = "f1"


def train_answers(config: AnswersConfig, *, resume: bool = False) -> Model:
    """Fine-tune, fit confidence and no-answer threshold on dev, save into `config.output`."""
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
        respell=config.respell,
    )
    model = Model(network=network, tokenizer=tokenizer, settings=settings, name=config.output)
    built = rows_of(train, tokenizer, config)
    sys.stderr.write(
        f"{built.questions} questions on {len(train)} articles: {len(built.rows)} windows; "
        f"{built.cost}\n"
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
    train: Sequence[Article], tokenizer: PreTrainedTokenizerFast, config: AnswersConfig
) -> AnswerRows:
    """The windows of all questions, by hand, made from events and moved, their texts varied."""
    asked = asked_of(train) + drawn_role_questions(train, config)
    asked += moved_questions(train, config.moved_questions, config.seed)
    asked = beside_strangers(asked, config.strangers, config.seed)
    asked = questions_in_plain_alefs(asked, config.plain_alefs, config.seed)
    if config.respell:
        asked = respelt(asked)
    return answer_rows(
        tokenizer,
        asked,
        WindowSize(config.window, config.stride),
        empty_windows=config.empty_windows,
        seed=config.seed,
    )


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
