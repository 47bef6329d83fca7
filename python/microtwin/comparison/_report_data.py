"""The numbers behind the figures of a report, as CSV files inside the page."""

import base64
from typing import TYPE_CHECKING

from microtwin.comparison import _tables
from microtwin.comparison.result import Comparison, Member

if TYPE_CHECKING:
    import pandas as pd

DIGITS = "%.7g"


class ReportData:
    """Links to the numbers of a comparison.

    Parameters
    ----------
    comparison : Comparison
        Whose numbers.
    """

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._table = _tables.to_dataframe(comparison)

    def everything(self) -> str:
        """Return a link to all numbers."""
        return link(self._table)

    def curve(self, statistic: str, phase: int) -> str:
        """Return a link to one curve of all members."""
        table = self._table
        return link(table[(table["quantity"] == statistic) & (table["phase"] == phase)])

    def courses(self) -> str:
        """Return a link to the energies of all twins against time."""
        import pandas as pd

        parts = [
            twin.history.to_dataframe().assign(method=member.name, seed=twin.seed)
            for member in self._comparison.methods
            for twin in member.twins
        ]
        return link(pd.concat(parts))

    def losses(self, member: Member) -> str:
        """Return a link to the training losses of a method."""
        import pandas as pd

        columns = {name: pd.Series(values) for name, values in member.losses.items()}
        return link(pd.DataFrame(columns).rename_axis("step").reset_index())

    def distances(self, member: Member) -> str:
        """Return a link to the distances to the nearest training windows."""
        import pandas as pd

        assert member.novelty is not None
        return link(pd.DataFrame({"distance": sorted(member.novelty.distances)}))

    def rows(self) -> str:
        """Return a link to the ranking."""
        return link(_tables.rows_to_dataframe(self._comparison))

    def structures(self) -> str:
        """Return a link to the numbers of every structure."""
        return link(_tables.structures_to_dataframe(self._comparison))


def link(table: "pd.DataFrame") -> str:
    """Return a table as the address of a CSV file that is its own content."""
    text = table.to_csv(index=False, float_format=DIGITS, lineterminator="\n")
    return "data:text/csv;base64," + base64.b64encode(text.encode()).decode("ascii")
