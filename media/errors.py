"""Everything that can go wrong with a photo or voice note, each with the machine-readable code the phone translates.

No HTTP here: `tus` turns these into answers for uploads, the server does so for its own pages.
"""


class MediaError(Exception):
    """Root of all errors of this package; `code` is stable and translated on the phone."""

    code = "media_error"


class ImageError(MediaError):
    """The bytes cannot be shown as a picture, or played. Sending them again will not help."""

    code = "not_an_image"


class NotAnImage(ImageError):
    """Content is none of the accepted picture formats, whatever its name says."""


class ImageTruncated(ImageError):
    """It begins as a picture but cannot be decoded to its end."""

    code = "image_truncated"


class ImageTooLarge(ImageError):
    """More pixels declared than we are willing to decode."""

    code = "image_too_large"


class SoundDamaged(ImageError):
    """It begins as a recording but has no sound that can be played."""

    code = "sound_damaged"


class SoundTooLarge(ImageError):
    """Longer than a voice note may be."""

    code = "sound_too_large"


class Unavailable(MediaError):
    """The place the file should go to does not answer now; nothing is lost, try again later."""

    code = "unavailable"


class StorageFull(Unavailable):
    """No room left on the server's disk; the phone keeps its copy and tries again later."""

    code = "storage_full"


class Refused(MediaError):
    """The finished file was not accepted. `is_kept` says whether its bytes were put into quarantine."""

    def __init__(self, code: str, is_kept: bool, detail: str = "") -> None:
        super().__init__(detail or code)
        self.code = code
        self.is_kept = is_kept


class PhotoConflict(MediaError):
    """Another file is already kept for this photo and role; the first one stays."""

    code = "photo_conflict"
