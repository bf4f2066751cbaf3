"""Layers that only dependency descriptors tell of."""

from __future__ import annotations

from sfu.rtp.dependency import Structures
from sfu.rtp.descriptors import VP8, read_frame
from sfu.rtp.frame import ALL, NO_NUMBER, Frame
from sfu.rtp.layers import FORWARD, LEAVE_OUT, Layers
from tests.rtp.descriptors_made import L1T3, L2T2, Made, Template, descriptor


# Dependency descriptors
class Described:
    """A source whose frames only descriptors tell of."""

    def __init__(self, made: Made, layers: Layers) -> None:
        self.made = made
        self.layers = layers
        self.structures = Structures()
        self.number = 0

    def send(self, template: int, *, keyframe: bool = False, active: int | None = None) -> tuple[int, bytes, bool]:
        """(what became of it, its descriptor as it goes out, whether it ends its picture)."""
        self.number += 1
        data = descriptor(
            template,
            self.number,
            structure=self.made if keyframe else None,
            active=active,
            targets=self.made.targets,
        )
        frame = Frame()
        frame.clear()
        assert self.structures.read(data, 0, len(data), frame)
        taken = self.layers.take(frame, self.number, True)
        ends = taken == FORWARD and self.layers.ends(frame, self.number, True)
        again = self.layers.take(frame, self.number, False) == FORWARD
        assert again is (taken == FORWARD)
        return taken, self.layers.descriptor(data, frame, self.number), ends


def test_decode_targets_say_what_goes_out() -> None:
    layers = Layers()
    layers.switch()
    layers.wanted_spatial, layers.wanted_temporal = 0, 1
    source = Described(L2T2, layers)
    taken, out, ends = source.send(0, keyframe=True)
    assert (taken, ends) == (FORWARD, True)
    assert out.rstrip(b"\0") == descriptor(0, 1, structure=L2T2, active=0b0011).rstrip(b"\0")
    assert source.send(3)[0] == LEAVE_OUT
    assert source.send(2)[::2] == (FORWARD, True)
    assert source.send(5)[0] == LEAVE_OUT
    layers.wanted_temporal = 0
    taken, out, _ = source.send(1)
    assert taken == FORWARD
    assert out == descriptor(1, 5, active=0b0001, targets=4)
    assert source.send(2)[0] == LEAVE_OUT


def test_up_in_space_it_takes_a_keyframe_and_in_time_a_frame_to_switch_with() -> None:
    layers = Layers()
    layers.switch()
    layers.wanted_spatial = layers.wanted_temporal = 0
    source = Described(L2T2, layers)
    source.send(0, keyframe=True)
    layers.wanted_temporal = 1
    assert not layers.lacks(1)
    assert source.send(2)[0] == LEAVE_OUT
    assert source.send(1)[0] == FORWARD
    assert source.send(2)[0] == FORWARD
    layers.wanted_spatial = 1
    assert layers.lacks(1)
    assert source.send(1)[0] == FORWARD
    assert source.send(4)[0] == LEAVE_OUT
    assert source.send(0, keyframe=True)[::2] == (FORWARD, False)
    assert source.send(3)[::2] == (FORWARD, True)
    assert not layers.lacks(1)


def test_layers_that_do_not_stand_on_each_other_are_changed_at_a_keyframe_alone() -> None:
    """As in L2T1_KEY: only the keyframe's upper layer is predicted from the lower one."""
    made = Made(
        [Template(0, 0, "SS"), Template(0, 0, "S-", (2,)), Template(1, 0, "-S", (1,)), Template(1, 0, "-S", (2,))]
    )
    layers = Layers()
    layers.switch()
    source = Described(made, layers)
    assert [source.send(0, keyframe=True)[0], source.send(2)[0]] == [FORWARD, FORWARD]
    assert [source.send(1)[0], source.send(3)[0]] == [LEAVE_OUT, FORWARD]
    layers.wanted_spatial = 0
    assert layers.lacks(1)
    assert [source.send(1)[0], source.send(3)[0]] == [LEAVE_OUT, FORWARD]
    assert [source.send(0, keyframe=True)[0], source.send(2)[0]] == [FORWARD, LEAVE_OUT]
    assert [source.send(1)[0], source.send(3)[0]] == [FORWARD, LEAVE_OUT]


def test_frame_numbers_go_on_over_a_switch_and_keep_their_distances() -> None:
    layers = Layers(NO_NUMBER, NO_NUMBER, 65_535)
    layers.switch()
    source = Described(L1T3, layers)
    source.number = 699
    assert source.send(0, keyframe=True)[1] == descriptor(0, 0, structure=L1T3)
    assert source.send(3)[1] == descriptor(3, 1)
    layers.wanted_temporal = 0
    assert source.send(1)[1] == descriptor(1, 2, active=0b001, targets=3)
    assert source.send(4)[0] == LEAVE_OUT
    assert source.send(1)[1] == descriptor(1, 4)


def test_what_the_sender_does_not_serve_is_not_said_to_be_served() -> None:
    layers = Layers()
    layers.switch()
    layers.wanted_temporal = 1
    source = Described(L2T2, layers)
    assert source.send(0, keyframe=True, active=0b0111)[1] == descriptor(0, 1, structure=L2T2, active=0b0111)
    layers.wanted_spatial = 0
    assert source.send(1, active=0b0101)[1] == descriptor(1, 2, active=0b0001, targets=4)


def test_all_layers_go_out_while_nothing_else_is_wanted() -> None:
    layers = Layers()
    layers.switch()
    assert (layers.wanted_spatial, layers.wanted_temporal) == (ALL, ALL)
    source = Described(L2T2, layers)
    taken = [source.send(template, keyframe=template == 0)[0] for template in (0, 3, 2, 5, 1, 4)]
    assert taken == [FORWARD] * 6


def test_vp8_whose_payload_says_nothing_is_selected_by_its_descriptors() -> None:
    """As Chromium sends it once descriptors are negotiated."""
    structures = Structures()
    layers = Layers()
    layers.wanted_temporal = 0
    layers.switch()
    taken = []
    for number, template in enumerate((0, 3, 2, 4, 1)):
        payload = bytes.fromhex("10 02 00 9d 01 2a" if template == 0 else "10 11 02 00")
        data = descriptor(template, number, structure=L1T3 if number == 0 else None)
        frame = Frame()
        assert read_frame(VP8, payload + data, 0, len(payload), 1, structures, len(payload), len(data), True, frame)
        assert frame.keyframe is (number == 0)
        taken.append(layers.take(frame, number, True))
    assert taken == [FORWARD, LEAVE_OUT, LEAVE_OUT, LEAVE_OUT, FORWARD]
