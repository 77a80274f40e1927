"""What the search takes for a word: `ng/mL` and `25(OH)D` are whole, hypocalcaemia is hypocalcemia, `µ` is `u`."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, ClassVar

from sphinx.search.en import SearchEnglish

if TYPE_CHECKING:
    from sphinx.application import Sphinx

WORD = re.compile(r"\d+[-(]?\w+(?:[-)]\w+)*|\w+(?:/\w+)*")
SAME = {"μ": "u", "aem": "em", "ionis": "ioniz"}
SPLITTER = """
var splitQuery = (query) => {
  const plain = query.normalize("NFKC").toLowerCase()%s;
  const terms = Object.keys(Search.hasIndex() ? Search._index.terms : {});
  const words = /\\p{N}+[-(]?[\\p{L}\\p{N}_]+(?:[-)][\\p{L}\\p{N}_]+)*|[\\p{L}\\p{N}_]+(?:\\/[\\p{L}\\p{N}_]+)*/gu;
  return (plain.match(words) || [])
    .flatMap((word) => {
      const whole = word.replace(/[-()]/g, "");
      return terms.some((term) => term.includes(whole)) ? [whole] : word.split(/[-()/]/);
    })
    .filter(Boolean);
};
"""


class Words(SearchEnglish):
    """English, with units and names of tests whole beside their parts."""

    js_splitter_code: ClassVar[str] = SPLITTER % "".join(
        f'.replaceAll("{one}", "{other}")' for one, other in SAME.items()
    )

    def split(self, input: str) -> list[str]:  # noqa: A002 - the name that Sphinx gives it
        """Return the words of a text, and the parts of those that have some."""
        plain = unicodedata.normalize("NFKC", input).lower()
        for one, other in SAME.items():
            plain = plain.replace(one, other)
        found = WORD.findall(plain)
        parts = [part for word in found for part in re.split(r"[-()/]", word) if part]
        return [*(re.sub(r"[-()]", "", word) for word in found), *parts]


def setup(app: Sphinx) -> dict[str, bool]:
    """Search by these words."""
    app.add_search_language(Words)
    return {"parallel_read_safe": True}
