"""The process that decodes one costly picture: `python -m media.decoder TASK BUDGET_BYTES …` with the file on standard input.

It limits its own memory and time before it looks at a byte. When it is used is `bounded`'s to say.
"""

import resource
import sys
from dataclasses import asdict
from pathlib import Path

from media import bounded
from media.derive import derive
from media.errors import ImageError
from media.inspect import read_facts
from media.scrub import scrub

# The file itself and what the parts of a picture need beside its pixels.
_SLACK_BYTES = 128 * bounded.MIB


def main(task: str, budget_bytes: str, *arguments: str) -> bytes:
    """Do the task; what to print."""
    bounded.enter_own_process()
    _limit(int(budget_bytes))
    data = sys.stdin.buffer.read()
    try:
        if task == "facts":
            facts = read_facts(data, int(arguments[0]))
            return bounded.write_result(asdict(facts) | {"taken_at": facts.taken_at and facts.taken_at.isoformat()}, [])
        if task == "derive":
            made = derive(data, int(arguments[0]))
            sizes = [made.screen_width_px, made.screen_height_px, made.thumb_width_px, made.thumb_height_px]
            return bounded.write_result([*sizes, made.perceptual], [made.screen, made.thumb])
        return bounded.write_result(None, [scrub(data, arguments[0], int(arguments[1]))])
    except ImageError as error:
        return bounded.write_failure(error)


def _limit(budget_bytes: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most_bytes = pages * resource.getpagesize() + budget_bytes + _SLACK_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (bounded.CPU_S, bounded.CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.stdout.buffer.write(main(*sys.argv[1:]))
