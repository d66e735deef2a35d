"""The command line of training: python -m train events | answers | score | leave-one-out | card.

It does not know how any of it is done.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from hadath.errors import HadathError

TASKS = ("answers", "events")


def main(words: Sequence[str] | None = None) -> int:
    """Run one command: 0 where it went well, 2 and a line on stderr where input does not fit."""
    options = _parser().parse_args(words)
    # Without these two, glibc gives every step's memory back and asks for it again: a tenth of
    # the time.
    if "MALLOC_TRIM_THRESHOLD_" not in os.environ and sys.platform == "linux":
        os.environ |= {"MALLOC_TRIM_THRESHOLD_": "100000000000", "MALLOC_TOP_PAD_": "1000000000"}
        if words is None:
            os.execv(sys.executable, [sys.executable, "-m", "train", *sys.argv[1:]])
    try:
        from transformers.utils import logging

        logging.disable_progress_bar()  # of shards written and loaded; the training's own bar stays
        return options.run(options)
    except HadathError as error:
        print(f"train: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for task in TASKS:
        train = commands.add_parser(task, help=f"fine-tune a model of {task}")
        train.add_argument("config", help=f"settings, for instance configs/{task}-small.yaml")
        train.add_argument("settings", nargs="*", metavar="key=value", help="over the file's")
        train.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
        train.set_defaults(run=_train, task=task)
    fit = commands.add_parser("refit", help="fit temperature and thresholds to other dev articles")
    fit.add_argument("task", choices=TASKS)
    fit.add_argument("model", help="a folder or a hub name")
    fit.add_argument("dev", nargs="+", help="annotated articles; never a test split")
    fit.add_argument("--output", required=True, help="folder the refitted model is saved in")
    fit.add_argument("--compact", action="store_true", help="save weights in 7 bits")
    fit.set_defaults(run=_refit)
    score = commands.add_parser("score", help="score a model on annotated articles")
    score.add_argument("task", choices=TASKS)
    score.add_argument("model", help="a folder, a hub name, or 'embedded'")
    score.add_argument("data", nargs="+", help="annotated articles the model has not seen")
    score.add_argument("--train", nargs="*", default=[], help="files the baselines learn from")
    score.add_argument(
        "--dev", nargs="*", default=[], help="files the baselines' thresholds are fitted on"
    )
    score.add_argument("--output", default="runs/score", help="folder of sheet, report and plots")
    score.set_defaults(run=_score)
    out = commands.add_parser("leave-one-out", help="score by leaving one article out")
    out.add_argument("task", choices=TASKS)
    out.add_argument("config", help="for instance configs/answers-leave-one-out.yaml")
    out.add_argument("held", help="the articles, for instance data/seeds/seeds.jsonl")
    out.add_argument("settings", nargs="*", metavar="key=value", help="over the file's")
    out.add_argument(
        "--baselines", nargs="*", default=[], help="further files the baselines learn from"
    )
    out.set_defaults(run=_leave_one_out)
    card = commands.add_parser("card", help="render a model's card from its score sheets")
    card.add_argument("model", help="a folder, or embedded-answers, embedded-events")
    card.add_argument("sheets", nargs="+", help="folders that 'score' or 'leave-one-out' wrote")
    card.add_argument("--output", required=True, help="for instance runs/answers-card/answers.md")
    card.add_argument("--about", help="a YAML file with the card's prose")
    card.set_defaults(run=_card)
    summary = commands.add_parser("summary", help="write the README's table from the cards' sheets")
    summary.add_argument("readme")
    summary.add_argument("cards", help="folder of the cards, for instance model_cards")
    summary.set_defaults(run=_summary)
    return parser


def _train(options: argparse.Namespace) -> int:
    from hadath.config import AnswersConfig, EventsConfig, load_config

    if options.task == "answers":
        from train.answers import train_answers

        answers = load_config(AnswersConfig, options.config, options.settings)
        train_answers(answers, resume=options.resume)
    else:
        from train.events import train_events

        events = load_config(EventsConfig, options.config, options.settings)
        train_events(events, resume=options.resume)
    return 0


def _refit(options: argparse.Namespace) -> int:
    from train.refit import refit

    refit(options.task, options.model, options.dev, options.output, compact=options.compact)
    return 0


def _score(options: argparse.Namespace) -> int:
    from train.score import Data, score_answers_model, score_events_model

    data = Data(tuple(options.data), tuple(options.train), tuple(options.dev))
    source = None if options.model == "embedded" else options.model
    score = score_answers_model if options.task == "answers" else score_events_model
    score(source, data, options.output)
    return 0


def _leave_one_out(options: argparse.Namespace) -> int:
    from hadath.config import AnswersConfig, EventsConfig, load_config
    from train.leave_one_out import leave_one_answers_out, leave_one_events_out

    if options.task == "answers":
        config = load_config(AnswersConfig, options.config, options.settings)
        leave_one_answers_out(config, options.held, options.baselines)
    else:
        events = load_config(EventsConfig, options.config, options.settings)
        leave_one_events_out(events, options.held, options.baselines)
    return 0


def _card(options: argparse.Namespace) -> int:
    from train.cards import write_card

    print(write_card(options.model, options.sheets, options.output, about=options.about))
    return 0


def _summary(options: argparse.Namespace) -> int:
    from train.summary import write_summary

    write_summary(options.readme, options.cards)
    return 0


if __name__ == "__main__":
    sys.exit(main())
