"""What a rescue file is believed by: the device's id and user under a key that never leaves the server.

Anybody may know the point that phones seal to; without a proof whoever knows it could write records in another's name and have a
clerk take them in. A proof reaches the phone with what it is told of itself. It opens nothing, does not end with a token, and is
good only inside a file that a clerk takes in.
"""

import base64
import hmac

from server.sealing import SealKey


def prove(key: SealKey, device: str, user: str) -> str:
    """What this server, and nobody else, gives that device of that user."""
    secret = key.private.private_numbers().private_value.to_bytes(32, "big")
    named = f"xunge rescue proof\n{device}\n{user}".encode()
    return base64.b64encode(hmac.digest(secret, named, "sha256")).decode()


def is_proven(key: SealKey, proof: str, device: str, user: str) -> bool:
    """True when that is what this server gave that device of that user."""
    return hmac.compare_digest(proof.encode(), prove(key, device, user).encode())
