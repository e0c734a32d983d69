"""The story of a loop as a picture and a page: what it was worth, month by month, and every decision on the way."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

from components.output import whole
from components.story_picture import draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Kind = Literal["suppressed", "retrain", "gate_passed", "gate_rejected", "promoted", "rolled_back"]


@dataclass(frozen=True)
class MonthAuc:
    """ROC AUC of one month's answers, by who gave them; None where nobody did."""

    month: date
    """Its first day."""
    never: float | None
    """The first version, never retrained."""
    monthly: float | None
    """A model trained anew each month on the two months before."""
    driftloop: float | None


@dataclass(frozen=True)
class Mark:
    """One decision."""

    at: datetime
    """In event time."""
    kind: Kind
    text: str
    """Why, in a sentence."""
    version: str | None = None


@dataclass(frozen=True)
class Retrained:
    """One training run that drift led to."""

    at: datetime
    episode: str
    days: str
    """On which it was trained, such as `[2013-01-01, 2013-04-15)`."""
    outcome: str
    seconds: float
    """Wall time of the run."""


@dataclass(frozen=True)
class Story:
    """Everything the picture and the page tell."""

    loop: str
    months: tuple[MonthAuc, ...]
    marks: tuple[Mark, ...]
    retrains: tuple[Retrained, ...]

    def mean(self, who: Literal["never", "monthly", "driftloop"]) -> float | None:
        """Mean of the months that have a figure; None if none has."""
        known = [value for month in self.months if (value := getattr(month, who)) is not None]
        return fmean(known) if known else None

    @property
    def seconds(self) -> float:
        """Of all retrains together."""
        return sum(retrain.seconds for retrain in self.retrains)


def story(months: Sequence[MonthAuc], marks: Sequence[Mark]) -> Figure:
    """The picture: AUC by month above, the decisions below, one time axis."""
    return draw(months, marks)


def write(told: Story, folder: Path) -> tuple[Path, Path]:
    """Write story.png and story.html, each whole or not at all; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    picture, page = folder / "story.png", folder / "story.html"
    figure = story(told.months, told.marks)
    with whole(picture) as partial:
        figure.savefig(partial, format="png", dpi=160)
    with whole(page) as partial:
        partial.write_text(_page(told, figure))
    return picture, page


def _page(told: Story, figure: Figure) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("components"), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("story.html").render(told=told, picture=_svg(figure))


def _svg(figure: Figure) -> Any:
    """The picture inside the page, the same bytes for the same story."""
    import matplotlib as mpl
    from markupsafe import Markup

    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "driftloop", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    body = text.getvalue()
    return Markup(body[body.index("<svg") :])  # noqa: S704 - drawn here, its texts escaped by matplotlib
