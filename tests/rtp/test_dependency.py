"""Dependency descriptors: read, numbered anew, and told which decode targets are served."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.rtp.dependency import MAX_SIZE, SWITCH, USUAL_TARGETS, USUAL_TEMPLATES, Structures, renumbered, with_active
from sfu.rtp.frame import Frame
from tests.rtp.descriptors_made import L1T3, L2T2, Made, Template, descriptor


def read(structures: Structures, data: bytes, *, newest: bool = True) -> Frame | None:
    frame = Frame()
    frame.clear()
    slab = memoryview(b"\xff\xff" + data + b"\xff")
    return frame if structures.read(slab, 2, len(data), frame, newest=newest) else None


def begun(made: Made) -> Structures:
    structures = Structures()
    assert read(structures, descriptor(made.first_id, 1, structure=made)) is not None
    return structures


def test_a_keyframe_brings_the_structure() -> None:
    structures = Structures()
    frame = read(structures, descriptor(0, 700, end=False, structure=L2T2))
    assert frame is not None
    assert (frame.start, frame.end, frame.keyframe, frame.number) == (True, False, True, 700)
    assert frame.sizes == ((320, 180), (640, 360))
    assert frame.structure is structures.newest
    structure = structures.newest
    assert structure is not None
    assert structure.spatial == (0, 0, 0, 1, 1, 1)
    assert structure.temporal == (0, 0, 1, 0, 0, 1)
    assert structure.target_spatial == (0, 0, 1, 1)
    assert structure.target_temporal == (0, 1, 0, 1)
    assert structure.chains == 2
    assert structure.covers == (0b0001, 0b0011, 0b0101, 0b1111)
    assert (frame.active, frame.serves) == (0b1111, 0b1111)


def test_other_frames_name_their_template() -> None:
    structures = begun(L2T2)
    frame = read(structures, descriptor(5, 9, start=False))
    assert frame is not None
    assert (frame.spatial, frame.temporal, frame.start, frame.end, frame.keyframe) == (1, 1, False, True, False)
    assert frame.dtis == bytes((0, 0, 0, 1))
    assert (frame.active, frame.serves) == (0, 0b1111)


def test_indications_of_a_frames_own_come_before_its_templates() -> None:
    structures = begun(L1T3)
    frame = read(structures, descriptor(2, 9, dtis="-SR", fdiffs=(1, 200, 3000), chains=(7,)))
    assert frame is not None
    assert frame.dtis == bytes((0, SWITCH, 3))


def test_what_the_sender_serves_is_kept_until_it_says_otherwise() -> None:
    structures = begun(L2T2)
    told = read(structures, descriptor(1, 2, active=0b0011, targets=4))
    later = read(structures, descriptor(1, 3))
    assert told is not None
    assert later is not None
    assert (told.active, told.serves, later.active, later.serves) == (0b0011, 0b0011, 0, 0b0011)
    late = read(structures, descriptor(1, 2, active=0b1111, targets=4), newest=False)
    assert late is not None
    assert (late.active, late.serves) == (0b1111, 0b0011)


def test_templates_of_the_structure_before_are_still_known() -> None:
    structures = begun(L1T3)
    following = Made(L2T2.templates, first_id=60)
    assert read(structures, descriptor(60, 10, structure=following)) is not None
    old = read(structures, descriptor(4, 8), newest=False)
    wrapped = read(structures, descriptor((60 + 5) % 64, 11))
    assert old is not None
    assert wrapped is not None
    assert (old.spatial, old.temporal) == (0, 2)
    # Ids go round: the last of the new structure took the second of the old one's.
    assert (wrapped.spatial, wrapped.temporal) == (1, 1)


def test_a_keyframe_that_comes_late_does_not_bring_back_its_structure() -> None:
    structures = begun(L2T2)
    newest = structures.newest
    assert read(structures, descriptor(0, 0, structure=L1T3), newest=False) is not None
    assert structures.newest is newest


def test_a_frame_with_references_of_its_own_is_no_keyframe() -> None:
    frame = read(Structures(), descriptor(0, 5, structure=L1T3, fdiffs=(2,)))
    assert frame is not None
    assert not frame.keyframe
    free = read(Structures(), descriptor(1, 5, structure=L1T3, fdiffs=()))
    assert free is not None
    assert free.keyframe


@pytest.mark.parametrize(
    ("layers", "target"), [((0, 0), 0), ((0, 7), 1), ((1, 0), 2), ((1, 1), 3), ((7, 7), 3), ((7, 0), 2)]
)
def test_the_best_decode_target_up_to_a_layer(layers: tuple[int, int], target: int) -> None:
    structure = begun(L2T2).newest
    assert structure is not None
    assert structure.target(*layers) == target


def test_where_no_target_is_low_enough_it_is_the_least() -> None:
    structure = begun(Made([Template(0, 0, "-S"), Template(0, 1, "SS"), Template(1, 0, "S-")])).newest
    assert structure is not None
    assert structure.target(0, 0) == 1


def test_a_descriptor_of_a_structure_that_has_not_come_is_not_read() -> None:
    assert read(Structures(), descriptor(0, 5)) is None
    assert read(begun(L1T3), descriptor(30, 5)) is None
    assert read(begun(L1T3), descriptor(30, 5, structure=L2T2)) is None


def test_one_that_is_cut_short_is_not_read() -> None:
    whole = descriptor(0, 5, structure=L2T2, active=0b0101)
    for length in range(len(whole) - 1):
        structures = Structures()
        assert read(structures, whole[:length]) is None
        assert structures.newest is None


def test_nothing_of_the_packet_before_stays_where_one_cannot_be_read() -> None:
    structures, frame = Structures(), Frame()
    frame.clear()
    good = descriptor(0, 1, structure=L2T2)
    assert structures.read(good, 0, len(good), frame)
    assert not structures.read(good, 0, 4, frame), "it announces a structure, and ends"
    assert (frame.structure, frame.active, frame.serves, frame.dtis, frame.attached) == (None, 0, 0, b"", False)
    assert frame.number == 1


def test_one_that_would_become_too_long_for_an_element_stays_as_it_is() -> None:
    structures = begun(L2T2)
    assert structures.newest is not None
    full = descriptor(0, 1, structure=L2T2).ljust(MAX_SIZE, b"\0")
    assert read(Structures(), full) is not None
    assert with_active(full, structures.newest, 0b0001) == full
    assert len(with_active(full[:-1], structures.newest, 0b0001)) <= MAX_SIZE


@pytest.mark.parametrize(
    ("templates", "targets", "reads"),
    [
        (USUAL_TEMPLATES, 1, True),
        (USUAL_TEMPLATES + 1, 1, False),
        (1, USUAL_TARGETS, True),
        (1, USUAL_TARGETS + 1, False),
    ],
)
def test_a_structure_larger_than_any_in_use_is_not_read(templates: int, targets: int, reads: bool) -> None:
    made = Made([Template(0, 0, "S" * targets)] * templates)
    assert (read(Structures(), descriptor(0, 1, structure=made)) is not None) is reads


def test_another_number_changes_nothing_else() -> None:
    whole = descriptor(0, 5, structure=L2T2, active=0b0101)
    assert renumbered(whole, 65_536 + 777) == descriptor(0, 777, structure=L2T2, active=0b0101)


@st.composite
def descriptors(draw: st.DrawFn) -> tuple[Made, dict[str, object]]:
    made = draw(st.sampled_from([L1T3, L2T2]))
    options: dict[str, object] = {
        "start": draw(st.booleans()),
        "end": draw(st.booleans()),
        "structure": draw(st.sampled_from([made, None])),
        "dtis": "".join(draw(st.lists(st.sampled_from("-DSR"), min_size=made.targets, max_size=made.targets)))
        if draw(st.booleans())
        else "",
        "fdiffs": draw(st.none() | st.lists(st.integers(1, 4000), max_size=3)),
        "targets": made.targets,
    }
    return made, options


@given(descriptors(), st.integers(0, 65_535), st.none() | st.integers(0, 15), st.integers(1, 15))
def test_served_targets_are_written_into_any_descriptor(
    made_and_options: tuple[Made, dict[str, object]], number: int, before: int | None, after: int
) -> None:
    made, options = made_and_options
    structure = begun(made).newest
    assert structure is not None
    mask = (1 << made.targets) - 1
    data = descriptor(1, number, active=before if before is None else before & mask, **options)  # type: ignore[arg-type]
    wanted = descriptor(1, number, active=after & mask, **options)  # type: ignore[arg-type]
    # What was padding may be a byte more.
    assert with_active(data, structure, after & mask).rstrip(b"\0") == wanted.rstrip(b"\0")
