"""The command line of training: python -m train COMMAND, from `answers` to `summary`.

It does not know how any of it is done.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial

from hadath.errors import HadathError

TASKS = ("answers", "events")


def main(words: Sequence[str] | None = None) -> int:
    """Run one command: 0 where it went well, 2 and a line on stderr where input does not fit."""
    options = _parser().parse_args(words)
    # Without these three, glibc gives every step's memory back and asks for it again: a quarter of
    # the time.
    if "MALLOC_TRIM_THRESHOLD_" not in os.environ and sys.platform == "linux":
        os.environ |= {
            "MALLOC_TRIM_THRESHOLD_": "100000000000",
            "MALLOC_TOP_PAD_": "1000000000",
            "MALLOC_MMAP_MAX_": "0",
        }
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
    _add_training(commands)
    _add_scoring(commands)
    _add_bases(commands)
    _add_reports(commands)
    return parser


def _add_training(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """What makes a model: answers, events, refit, average."""
    for task in TASKS:
        train = commands.add_parser(task, help=f"fine-tune a model of {task}")
        train.add_argument("config", help=f"settings, for instance configs/{task}-small.yaml")
        train.add_argument("settings", nargs="*", metavar="key=value", help="over the file's")
        train.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
        train.add_argument(
            "--dry-run", action="store_true", help="measure a few steps, tell what the run takes"
        )
        train.set_defaults(run=_train, task=task)
    fit = commands.add_parser("refit", help="fit confidence and thresholds to other dev articles")
    fit.add_argument("task", choices=TASKS)
    fit.add_argument("model", help="a folder or a hub name")
    fit.add_argument(
        "dev",
        nargs="+",
        help="annotated articles, never a test split; for answers each file weighs the same",
    )
    fit.add_argument("--output", required=True, help="folder the refitted model is saved in")
    fit.add_argument("--compact", action="store_true", help="save weights in 7 bits")
    fit.add_argument(
        "--rereads", type=int, metavar="N", help="answers: the N best are read once more; 0 is none"
    )
    fit.add_argument(
        "--reread-share", type=float, metavar="X", help="weight of that second reading, 0 to 1"
    )
    fit.add_argument(
        "--respell", action=argparse.BooleanOptionalAction, help="answers: read careless spelling"
    )
    fit.set_defaults(run=_refit)
    mean = commands.add_parser("average", help="average the weights of several trained models")
    mean.add_argument("task", choices=TASKS)
    mean.add_argument("models", nargs="+", help="folders or hub names; the last gives the settings")
    mean.add_argument("--shares", nargs="+", type=float, default=[], help="one a model, sum 1")
    mean.add_argument("--output", required=True, help="folder the mean is saved in; then refit it")
    mean.set_defaults(run=_average)


def _add_scoring(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """What measures one: score, leave-one-out, benchmark, ablate."""
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
    out.add_argument(
        "--refit",
        action="store_true",
        help="fit confidence and threshold to the other articles, leave the weights",
    )
    out.set_defaults(run=_leave_one_out)
    bench = commands.add_parser("benchmark", help="score under a public benchmark's own protocol")
    bench.add_argument("name", choices=("quadclass", "arcd", "seeds"))
    bench.add_argument(
        "config", nargs="?", default="configs/events-quadclass.yaml", help="of quadclass"
    )
    bench.add_argument("settings", nargs="*", metavar="key=value", help="over the file's")
    bench.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5], help="of quadclass")
    bench.add_argument("--model", default="embedded", help="of arcd: a folder or a hub name")
    bench.set_defaults(run=_benchmark)
    parts = commands.add_parser("ablate", help="train a recipe's variants over several seeds")
    parts.add_argument("plan", help="for instance configs/ablations/events.yaml")
    parts.set_defaults(run=_ablate)


def _add_bases(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """What comes before the first stage: trim, cloze, spellings, adapt."""
    cut = commands.add_parser("trim", help="cut a multilingual encoder's vocabulary to your texts")
    cut.add_argument("base", help="for instance intfloat/multilingual-e5-small")
    cut.add_argument("texts", nargs="+", help="articles (.jsonl, .json, .csv) or plain texts")
    cut.add_argument("--output", required=True, help="new folder of the smaller encoder")
    cut.add_argument("--least", type=int, default=1, help="occurrences a piece needs to be kept")
    cut.set_defaults(run=_trim)
    cloze = commands.add_parser("cloze", help="make questions from phrases that recur in articles")
    cloze.add_argument("articles", nargs="+", help="annotated or not; no event or question is read")
    cloze.add_argument("--output", required=True, help="file to train `answers` on, .jsonl")
    cloze.add_argument("--most", type=int, default=3, help="questions an article, at most")
    cloze.add_argument("--seed", type=int, default=1, help="draws phrases and gaps")
    cloze.set_defaults(run=_cloze)
    spelt = commands.add_parser("spellings", help="count how words are spelt, for `respell`")
    spelt.add_argument("articles", nargs="+", help="annotated or not, carefully spelt")
    spelt.add_argument("--output", required=True, help="for instance hadath/spellings.txt")
    spelt.set_defaults(run=_spellings)
    more = commands.add_parser("adapt", help="pre-train an encoder further on your own texts")
    more.add_argument("base", help="folder or hub name of the encoder")
    more.add_argument("texts", nargs="+", help="articles (.jsonl, .json, .csv) or plain texts")
    more.add_argument("--output", required=True, help="new folder of the adapted encoder")
    more.add_argument("--epochs", type=float, default=1.0, help="passes over the texts")
    more.add_argument("--learning-rate", type=float, default=3e-4, help="falls linearly to 0")
    more.add_argument("--batch-size", type=int, default=16, help="rows a step")
    more.add_argument("--window", type=int, default=256, help="tokens a row")
    more.add_argument("--frozen-layers", type=int, help="lowest layers left as they are")
    more.add_argument("--seed", type=int, default=1, help="of the hidden words and the shuffle")
    more.set_defaults(run=_adapt)


def _add_reports(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """What is told of a model: behaviour, card, summary."""
    checks = commands.add_parser("behaviour", help="check what changes an answer and should not")
    checks.add_argument("task", choices=TASKS)
    checks.add_argument("model", help="a folder, a hub name, or 'embedded'")
    checks.add_argument("data", nargs="*", help="annotated articles; left out: the authored dev")
    checks.add_argument("--cases", type=int, default=100, help="at most so many a check")
    checks.add_argument("--output", required=True, help="for instance runs/behaviour-answers")
    checks.set_defaults(run=_behaviour)
    card = commands.add_parser("card", help="render a model's card from its score sheets")
    card.add_argument("model", help="a folder, or embedded-answers, embedded-events")
    card.add_argument("sheets", nargs="+", help="folders that 'score' or 'leave-one-out' wrote")
    card.add_argument("--output", required=True, help="for instance runs/answers-card/answers.md")
    card.add_argument("--about", help="a YAML file with the card's prose")
    card.add_argument("--behaviour", help="the behaviour.json that 'behaviour' wrote")
    card.set_defaults(run=_card)
    summary = commands.add_parser("summary", help="write the README's table from the cards' sheets")
    summary.add_argument("readme")
    summary.add_argument("cards", help="folder of the cards, for instance model_cards")
    summary.set_defaults(run=_summary)


def _train(options: argparse.Namespace) -> int:
    from hadath.config import AnswersConfig, EventsConfig, load_config
    from train.answers import train_answers
    from train.checkpoints import refuse_unsaved
    from train.events import train_events

    config: AnswersConfig | EventsConfig
    if options.task == "answers":
        config = load_config(AnswersConfig, options.config, options.settings)
        train = partial(train_answers, config, resume=options.resume)
    else:
        config = load_config(EventsConfig, options.config, options.settings)
        train = partial(train_events, config, resume=options.resume)
    if options.dry_run:
        from train.dry_run import describe, dry_run

        print(describe(config, dry_run(config)), end="")
        return 0
    if not options.resume:
        refuse_unsaved(config)
    train()
    return 0


def _refit(options: argparse.Namespace) -> int:
    from train.refit import refit

    refit(
        options.task, options.model, options.dev, options.output, compact=options.compact,
        rereads=options.rereads, reread_share=options.reread_share, respell=options.respell,
    )  # fmt: skip
    return 0


def _average(options: argparse.Namespace) -> int:
    from train.average import average

    average(options.task, options.models, options.output, options.shares)
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
        leave_one_answers_out(config, options.held, options.baselines, refit=options.refit)
    else:
        events = load_config(EventsConfig, options.config, options.settings)
        leave_one_events_out(events, options.held, options.baselines, refit=options.refit)
    return 0


def _benchmark(options: argparse.Namespace) -> int:
    from hadath.config import EventsConfig, load_config
    from train.benchmark import arcd, quadclass, seeds

    if options.name == "arcd":
        arcd(None if options.model == "embedded" else options.model)
    elif options.name == "seeds":
        seeds()
    else:
        quadclass(load_config(EventsConfig, options.config, options.settings), options.seeds)
    return 0


def _ablate(options: argparse.Namespace) -> int:
    from train.ablation import ablate

    ablate(options.plan)
    return 0


def _trim(options: argparse.Namespace) -> int:
    from train.trim import trim

    trim(options.base, options.texts, options.output, least=options.least)
    return 0


def _cloze(options: argparse.Namespace) -> int:
    from train.cloze import write_cloze

    write_cloze(options.articles, options.output, most=options.most, seed=options.seed)
    return 0


def _spellings(options: argparse.Namespace) -> int:
    from train.spellings import write_spellings

    write_spellings(options.articles, options.output)
    return 0


def _adapt(options: argparse.Namespace) -> int:
    from train.masked import Adaptation, adapt

    how = Adaptation(
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        batch_size=options.batch_size,
        window=options.window,
        frozen_layers=options.frozen_layers,
        seed=options.seed,
    )
    adapt(options.base, options.texts, options.output, how)
    return 0


def _behaviour(options: argparse.Namespace) -> int:
    from train.behaviour_report import DATA, run_behaviour

    source = None if options.model == "embedded" else options.model
    data = options.data or DATA
    run_behaviour(options.task, source, data, options.output, most=options.cases)
    return 0


def _card(options: argparse.Namespace) -> int:
    from train.cards import write_card

    card = write_card(
        options.model,
        options.sheets,
        options.output,
        about=options.about,
        behaviour=options.behaviour,
    )
    print(card)
    return 0


def _summary(options: argparse.Namespace) -> int:
    from train.summary import write_summary

    write_summary(options.readme, options.cards)
    return 0


if __name__ == "__main__":
    sys.exit(main())
