"""The press: a process of its own that turns one HTML paper into a PDF, `python -m server.papers.press`: HTML in, PDF out.

A process, because laying out pages takes seconds of processor time and memory: it may be killed, and what it may use is bounded.
It asks nothing of the network or the disk: only what the HTML carries in itself (`data:`) is loaded, whatever else it names.
"""

import resource
import sys

from weasyprint import HTML
from weasyprint.urls import URLFetcher

MEMORY_BYTES = 1024**3
CPU_S = 60


def press(html: str) -> bytes:
    """The PDF, tagged for screen readers. Fonts are embedded, cut to what is used."""
    fetcher = URLFetcher(allowed_protocols=("data",), allow_redirects=False)
    found: bytes = HTML(string=html, url_fetcher=fetcher).write_pdf(pdf_tags=True)
    return found


def main() -> None:
    """Reads all of stdin, writes all of stdout; ends with an error where bounds are passed."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    sys.stdout.buffer.write(press(sys.stdin.buffer.read().decode()))


if __name__ == "__main__":
    main()
