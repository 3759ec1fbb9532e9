"""What a bench measured: how long each step took, what was acknowledged, what the system's processes held. And its printing."""

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import click


class Measures:
    """Filled by the phones and by those who watch; every duration is in seconds."""

    def __init__(self) -> None:
        self._took_s: dict[str, list[float]] = defaultdict(list)
        self._pushed_s: dict[str, float] = {}
        self._made: set[str] = set()
        self.acknowledged = 0
        self.refused = 0
        self.photos = 0
        self.retries = 0
        self.doubled = 0

    @contextlib.contextmanager
    def timing(self, step: str) -> Iterator[None]:
        """Times what is done inside, when it ends well."""
        began_s = time.perf_counter()
        yield
        self.took(step, time.perf_counter() - began_s)

    def took(self, step: str, duration_s: float) -> None:
        """Note one duration."""
        self._took_s[step].append(duration_s)

    def pushed(self, reports: Iterable[str], at_s: float) -> None:
        """Note when reports were about to be pushed."""
        for id in reports:
            self._pushed_s["case:" + id.partition(":")[2]] = at_s

    def made(self, case: str, at_s: float) -> None:
        """Note when a case was seen in its township's database. A case of a report that nobody pushed counts as doubled."""
        if case in self._made:
            return
        self._made.add(case)
        if case in self._pushed_s:
            self.took("report until it is a case", at_s - self._pushed_s[case])
        else:
            self.doubled += 1

    @property
    def cases(self) -> int:
        """How many cases were seen."""
        return len(self._made)

    def percentile(self, step: str, percent: int) -> float:
        """A step's percentile in seconds; 0 when it never happened."""
        found = sorted(self._took_s[step])
        return found[min(len(found) - 1, len(found) * percent // 100)] if found else 0.0

    def summary(self, wanted: int) -> str:
        """What became of the reports, in one line."""
        return (
            f"{self.acknowledged} of {wanted} reports acknowledged, {self.cases} cases, {self.doubled} doubled, "
            f"{self.refused} documents refused, {self.photos} photos uploaded, {self.retries} requests tried again"
        )

    def print_steps(self) -> None:
        """A table of all steps."""
        click.echo(f"{'step':<42}{'count':>8}{'p50 s':>9}{'p95 s':>9}{'max s':>9}")
        for step in self._took_s:
            p50, p95, most = (self.percentile(step, percent) for percent in (50, 95, 100))
            click.echo(f"{step:<42}{len(self._took_s[step]):>8}{p50:>9.3f}{p95:>9.3f}{most:>9.3f}")


def print_processes(peaks: Mapping[str, tuple[int, int, float]]) -> None:
    """What each part of the system held at most: memory, open files; and the processor time it used."""
    click.echo(f"{'process':<12}{'memory MB':>12}{'open files':>12}{'CPU s':>9}")
    for name, (memory_bytes, files, cpu_s) in peaks.items():
        click.echo(f"{name:<12}{memory_bytes / 1e6:>12.0f}{files:>12}{cpu_s:>9.1f}")
