"""Sets of pictures in several domains: one source a domain, read as one."""

import functools
from collections.abc import Sequence


class DomainSource(Sequence):
    """Every record of every domain once, in the order of `in_turn`.

    A record is its domain's own, but that "domain" is its place in `names`, and "name" starts with the domain's.
    """

    def __init__(self, names: Sequence[str], sources: Sequence[Sequence[dict]]):
        self._names = tuple(names)
        self._sources = tuple(sources)

    def __len__(self) -> int:
        return sum(map(len, self._sources))

    def __getitem__(self, index: int) -> dict:
        turn, domain = in_turn(tuple(map(len, self._sources)))[index]
        record = self._sources[domain][turn]
        return {**record, "domain": domain, "name": domain_name(self._names[domain], record["name"])}


@functools.lru_cache(maxsize=8)
def in_turn(lengths: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """(index, domain) of every record of domains of these lengths: the domains in turn as long as they last."""
    return tuple(sorted((index, domain) for domain, length in enumerate(lengths) for index in range(length)))


def domain_name(domain: str, name: str) -> str:
    """What a record of a domain is called among all domains."""
    return f"{domain}/{name}"
