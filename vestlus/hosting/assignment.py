"""Who should serve what: an even, steady assignment. Plain code."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def assign_orphans(
    names: Collection[str], members: Collection[str], present: Mapping[str, str]
) -> dict[str, str]:
    """Lease name → member id: what a member of these serves stays, the rest goes to those that
    have least; to one that serves nothing only where none serves anything, since nobody knows why
    it was given nothing. Without members nothing is assigned.
    """
    if not members:
        return {}
    kept = {name: present[name] for name in names if present.get(name) in members}
    load = dict.fromkeys(sorted(set(kept.values()) or members), 0)
    for member in kept.values():
        load[member] += 1
    for name in sorted(set(names) - kept.keys()):
        member = min(load, key=lambda one: (load[one], one))
        kept[name] = member
        load[member] += 1
    return kept


def assign_evenly(
    names: Collection[str], members: Collection[str], present: Mapping[str, str]
) -> dict[str, str]:
    """Lease name → member id: loads differ by one at most, and as little as possible moves.

    ``present`` is the assignment so far; entries of members that are gone move. Without members
    nothing is assigned. The same arguments always give the same answer.
    """
    if not members:
        return {}
    ordered = sorted(members)
    least, extra = divmod(len(names), len(ordered))
    load: dict[str, list[str]] = {member: [] for member in ordered}
    free: list[str] = []
    for name in sorted(names):
        member = present.get(name)
        if member in load:
            load[member].append(name)
        else:
            free.append(name)
    # The members that have most keep the extra one: fewer names move.
    by_load = sorted(ordered, key=lambda member: (-len(load[member]), member))
    quota = {member: least + (index < extra) for index, member in enumerate(by_load)}
    for member in ordered:
        while len(load[member]) > quota[member]:
            free.append(load[member].pop())
    for member in ordered:
        while len(load[member]) < quota[member]:
            load[member].append(free.pop())
    return {name: member for member, taken in load.items() for name in taken}
