"""Labels images of a table one by one until it is done or killed, noting each before and after."""

import sys

from microtwin.images import Catalogue


def main() -> None:
    table, who, first, last = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    print("ready", flush=True)
    for number in range(first, last):
        Catalogue.update(table, {number: f"{who} {number}"}, by=who)
        print(number, flush=True)


if __name__ == "__main__":
    main()
