"""The comparison with pgaudit finds what it is there to find: made-up lines and events, no server."""

import pytest
from pgaudit import FIELDS, Entry, differing, pair

STATEMENTS = [
    (2, 1, "READ", "SELECT", "TABLE", "public.a", "SELECT * FROM a, b;", (), 3),
    (2, 1, "READ", "SELECT", "TABLE", "public.b", "SELECT * FROM a, b;", (), 3),
    (3, 1, "READ", "SELECT", "", "", "SELECT f(1);", (), 1),
    (3, 2, "FUNCTION", "EXECUTE", "FUNCTION", "public.f", "SELECT f(1);", (), None),
    (3, 3, "WRITE", "INSERT", "TABLE", "public.a", "INSERT INTO a VALUES ($1)", ("1",), 1),
    (4, 1, "MISC", "COMMIT", "", "", "COMMIT;", (), None),
    (5, 1, "MISC", "COMMIT", "", "", "COMMIT;", (), None),
]


def entries(rows, shift=0):
    return [Entry(row[0] + shift, row[1], place, dict(zip(FIELDS, row[2:]))) for place, row in enumerate(rows)]


def found(theirs, ours):
    pairs, extra = pair(entries(theirs), entries(ours, shift=7))
    return [(p.line["name"] or p.line["command"], sorted(p.differs)) for p in pairs if p.differs], len(extra)


def changed(index, **changes):
    row = list(STATEMENTS[index])
    for name, value in changes.items():
        row[2 + FIELDS.index(name)] = value
    return [*STATEMENTS[:index], tuple(row), *STATEMENTS[index + 1 :]]


def test_the_same_under_other_numbers_is_the_same():
    assert found(STATEMENTS, STATEMENTS) == ([], 0)


@pytest.mark.parametrize("index", range(len(STATEMENTS)))
def test_an_event_that_is_not_there_is_missing(index):
    differences, extra = found(STATEMENTS, STATEMENTS[:index] + STATEMENTS[index + 1 :])
    assert ([differs for _, differs in differences], extra) == ([["missing"]], 0)


@pytest.mark.parametrize("index", range(len(STATEMENTS)))
def test_an_event_that_is_there_twice_is_left_over(index):
    assert found(STATEMENTS, [*STATEMENTS[: index + 1], *STATEMENTS[index:]]) == ([], 1)


@pytest.mark.parametrize(
    ("index", "name", "value"),
    [
        (0, "class", "WRITE"),
        (0, "type", "VIEW"),
        (1, "name", "public.c"),
        (4, "command", "UPDATE"),
        (4, "params", ("2",)),
        (4, "params", ()),
        (1, "rows", 4),
        (2, "text", "SELECT f(1)"),
    ],
)
def test_a_field_that_is_another_is_told(index, name, value):
    differences, extra = found(STATEMENTS, changed(index, **{name: value}))
    assert ([differs for _, differs in differences], extra) == ([[name]], 0)


def test_another_text_is_another_statement():
    differences, extra = found(STATEMENTS, changed(5, text="END;"))
    assert (differences, extra) == ([("COMMIT", ["missing"])], 1)


def test_statements_that_changed_places_are_out_of_order():
    differences, extra = found(STATEMENTS[:3], [(3, *STATEMENTS[0][1:]), (3, *STATEMENTS[1][1:]), (2, *STATEMENTS[2][1:])])
    assert (differences, extra) == ([("SELECT", ["missing"])], 1)


def test_what_changed_places_inside_a_statement_is_out_of_order():
    ours = [STATEMENTS[2], (3, 3, *STATEMENTS[3][2:]), (3, 2, *STATEMENTS[4][2:])]
    differences, extra = found(STATEMENTS[2:5], ours)
    assert ([differs for _, differs in differences], extra) == ([["order"]], 0)


def test_relations_of_a_query_may_come_in_any_order():
    assert found(STATEMENTS[:2], STATEMENTS[1::-1]) == ([], 0)


def test_what_is_a_statement_of_its_own_there_may_be_a_part_here():
    theirs = [(2, 1, *STATEMENTS[5][2:]), (3, 1, *STATEMENTS[4][2:])]
    ours = [(2, 1, *STATEMENTS[5][2:]), (2, 2, *STATEMENTS[4][2:])]
    assert found(theirs, ours) == ([], 0)


def test_zero_rows_and_no_count_are_the_same_and_zero_and_one_are_not():
    none, zero, one = (entries(changed(5, rows=rows))[5] for rows in (None, 0, 1))
    assert (differing(none, zero), differing(one, zero)) == (frozenset(), {"rows"})
