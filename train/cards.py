"""Renders a model's card from its score sheets, behaviour report and training record.

It measures nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hadath.errors import HadathError
from hadath.files import read_mapping, read_text, write_bytes, write_text
from hadath.hub import find_folder
from hadath.model_settings import ModelSettings, read_settings
from hadath.models import embedded_folder
from hadath.report import CardAbout, Sheet, model_card, read_sheet, sheets_of_card, slug
from train.behaviour_report import Report, behaviour_section, read_behaviour, report_text
from train.record import (
    RECORD,
    commands_in,
    data_in,
    held_out_in,
    judged_in,
    read_training_record,
    seconds_in,
    seeds_in,
)

_LOAD = {
    "answers": (
        "from hadath import AnswerFinder\n\n"
        'finder = AnswerFinder.load("{source}")\n'
        'finder.ask("من التقى الرئيس؟", article)  # [Answer(…)]; [] where unsaid'
    ),
    "events": (
        "from hadath import EventClassifier\n\n"
        'classifier = EventClassifier.load("{source}")\n'
        "classifier(article)  # [SentenceEvents(start, end, types={type: probability}, scores)]"
    ),
}
_PROSE = ("name", "summary", "training", "comparison", "weaknesses", "base_model", "base_licence")


def write_card(
    model: str,
    sheets: Sequence[str],
    output: str,
    *,
    about: str | None = None,
    behaviour: str | None = None,
) -> Path:
    """Write the card of `model` to `output`, its sheets and reliability plots beside it.

    `model`: a folder, "embedded-answers" or "embedded-events". `sheets`: folders that `train
    score` wrote. `about`: a YAML file of prose (name, summary, training, comparison, weaknesses,
    base_model, base_licence). `behaviour`: the behaviour.json of `train behaviour`, copied to
    behaviour/NAME.json beside the card.
    """
    folder = _model_folder(model)
    settings = read_settings(folder, model)
    card = Path(output)
    if card.suffix != ".md":
        raise HadathError(f"{output}: a card is Markdown; name a file that ends in .md")
    read = [_sheet(source, settings, model) for source in sheets]
    names = [f"{card.stem}-{slug(each['dataset'])}-{slug(each['split'])}" for each in read]
    plots = {
        (sheet["dataset"], sheet["split"]): name for sheet, name in zip(read, names, strict=True)
    }
    card_about = _about(folder, settings, model, _prose(about), plots)
    checks = _checks(behaviour, settings, model)
    if checks:
        card_about = replace(card_about, behaviour=behaviour_section(checks))
    text = model_card(read, about=card_about)
    files = [card.with_name(f"{name}.json") for name in names]
    for source, file in zip(sheets, files, strict=True):
        write_text(file, read_text(Path(source) / "sheet.json"))
        _copy_plots(Path(source), file.with_suffix(""))
    if checks:
        write_text(behaviour_of_card(card), report_text(checks))
    write_text(card, text)
    # What the old card had and the new one has not goes last: until then all of the old is there.
    for old in sheets_of_card(card):
        if old not in files and _is_sheet(old):
            old.unlink()
    if not checks:
        behaviour_of_card(card).unlink(missing_ok=True)
    return card


def _is_sheet(path: Path) -> bool:
    try:
        read_sheet(path)
    except HadathError:
        return False
    return True


def behaviour_of_card(card: Path) -> Path:
    """Where the behaviour report of NAME.md is kept: a folder apart, as it is no score sheet."""
    return card.parent / "behaviour" / f"{card.stem}.json"


def _checks(path: str | None, settings: ModelSettings, model: str) -> Report | None:
    if path is None:
        return None
    checks = read_behaviour(path)
    if checks["task"] != settings.task:
        raise HadathError(f"{path}: checks of {checks['task']}, but {model} is of {settings.task}")
    return checks


def _sheet(source: str, settings: ModelSettings, model: str) -> Sheet:
    sheet = read_sheet(Path(source) / "sheet.json")
    if sheet["task"] != settings.task:
        raise HadathError(
            f"{source}: a sheet of {sheet['task']}, but {model} is of {settings.task}"
        )
    return sheet


def _about(
    folder: Path,
    settings: ModelSettings,
    model: str,
    prose: Mapping[str, str],
    plots: Mapping[tuple[str, str], str],
) -> CardAbout:
    record = read_training_record(folder)
    try:
        trained = _trained(record)
    except (KeyError, TypeError, ValueError) as error:
        raise HadathError(f"{folder / RECORD}: no training's record; restore the file") from error
    source = "" if model.startswith("embedded-") else model
    load = _LOAD[settings.task].replace('"{source}"', f'"{source}"' if source else "")
    training = "\n\n".join(part for part in (prose.get("training", ""), trained) if part)
    return CardAbout(
        name=prose.get("name", f"Hadath {settings.task}: {folder.name}"),
        summary=prose.get(
            "summary", f"An Arabic news model of {settings.task}, fine-tuned with Hadath."
        ),
        load=load,
        training=training,
        comparison=prose.get("comparison", ""),
        weaknesses=prose.get("weaknesses", ""),
        base_model=prose.get("base_model", settings.base),
        base_licence=prose.get("base_licence", "see its own card"),
        plots=plots,
    )


def _trained(record: Mapping[str, Any]) -> str:
    """What the run's own record says: commands, settings, data with hashes, time."""
    config = record["config"]
    commands = "\n".join(commands_in(record))
    judged, held_out = judged_in(record), held_out_in(record)

    def use(path: str) -> str:  # who finds a test set among the data must see why
        if path in held_out:
            return "dropping training articles like it"
        return "choosing and fitting numbers" if path in judged else "training"

    hashes = "\n".join(
        f"| `{path}` | {use(path)} | `{digest[:16]}` |" for path, digest in data_in(record)
    )
    seeds = ", ".join(map(str, seeds_in(record)))
    rates = (
        f"{config['epochs']:g} epochs, batches of {config['batch_size']}, learning rate "
        f"{config['learning_rate']:g} (times {config['layerwise_decay']:g} a layer down), "
        f"windows of {config['window']} tokens, seed {seeds}"
    )
    return (
        f"```\n{commands}\n```\n\n{rates}; {seconds_in(record) / 60:.0f} minutes on "
        f"{record['machine']}; revision {record['git'] or 'unknown'}.\n\n"
        f"| file | read for | SHA-256 begins |\n|---|---|---|\n{hashes}"
    )


def _prose(path: str | None) -> dict[str, str]:
    if path is None:
        return {}
    prose = read_mapping(path)
    for key, value in prose.items():
        if key not in _PROSE or not isinstance(value, str):
            raise HadathError(f"{path}: {key}: expected texts named {', '.join(_PROSE)}")
    return prose


def _model_folder(model: str) -> Path:
    if model.startswith("embedded-"):
        return embedded_folder(model.removeprefix("embedded-"))
    return find_folder(model, task="answers")


def _copy_plots(source: Path, target: Path) -> None:
    for plot in source.glob("*.png"):
        write_bytes(target / plot.name, plot.read_bytes())
