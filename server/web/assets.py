"""Built files of the desk (`/static`): their addresses with a hash of the content, and how long a browser may keep them.

Building them is `pwa/build.mjs`. A file asked for by its hash may be kept for ever; any other is asked for again.
"""

import hashlib
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


class Assets(StaticFiles):
    """Serves one folder and knows its files' hashes. The folder may be missing before the first build."""

    def __init__(self, folder: Path, prefix: str = "/static") -> None:
        self.folder = folder
        self.prefix = prefix
        self._hashes: dict[str, tuple[int, str]] = {}
        super().__init__(directory=folder, check_dir=False)

    def url(self, name: str) -> str:
        """The address of a file with its content's hash; without one while the file does not exist."""
        path = self.folder / name
        if not path.is_file():
            return f"{self.prefix}/{name}"
        changed_ns = path.stat().st_mtime_ns
        known = self._hashes.get(name)
        if known is None or known[0] != changed_ns:
            known = (changed_ns, hashlib.sha256(path.read_bytes()).hexdigest()[:16])
            self._hashes[name] = known
        return f"{self.prefix}/{name}?v={known[1]}"

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, to be kept for ever when it was asked for by its hash."""
        answer = await super().get_response(path, scope)
        known = self._hashes.get(path)
        by_hash = known is not None and scope["query_string"] == b"v=" + known[1].encode()
        answer.headers["Cache-Control"] = FOR_EVER if by_hash else ASK_AGAIN
        return answer
