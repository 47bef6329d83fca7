"""What pages say, in the reader's language; the texts are in `catalogues/`, a file a language."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LANGUAGES = {"en": "English", "es": "Español"}
COOKIE = "microtwin_language"
FOLDER = Path(__file__).parent / "catalogues"


class Texts:
    """The texts of one language.

    Parameters
    ----------
    language : str
        One of `LANGUAGES`; anything else is English.
    """

    def __init__(self, language: str = "en") -> None:
        self.language = language if language in LANGUAGES else "en"
        self._texts = catalogue(self.language)

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of a key, its placeholders filled."""
        return self._texts[key].format(**values)

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self._texts


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Return all texts of a language by their keys."""
    texts: dict[str, str] = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return texts


def preferred(cookie: str | None, accepted: str) -> str:
    """Return the language that was chosen, or else the first known one that a browser asks for."""
    if cookie in LANGUAGES:
        return str(cookie)
    for part in accepted.split(","):
        code = part.split(";")[0].strip()[:2].lower()
        if code in LANGUAGES:
            return code
    return "en"
