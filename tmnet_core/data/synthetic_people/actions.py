"""The twelve actions as curves of joint angles over time, with a person's own style."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tmnet_core.data.synthetic_people.skeleton import Array, Pose

CLASSES = (
    "walk", "run", "wave", "clap", "jumping_jack", "squat",
    "sit_down", "stand_up", "high_jump", "kick", "punch", "throw",
)  # fmt: skip
_TRUNK = ("lean", "tilt", "twist", "nod", "turn")
_LIMBS = ("elevation", "plane", "axial", "elbow", "hip", "spread", "turnout", "knee")
_REST: dict[str, float] = {
    "lean": 2, "tilt": 0, "twist": 0, "nod": 2, "turn": 0, "lift": 0,
    "elevation": 9, "plane": 70, "axial": -70, "elbow": 14, "hip": 3, "spread": 4, "turnout": 8, "knee": 6,
}  # fmt: skip
_SWAY_HZ = 0.9
_SIT_DURATION_S = 1.1
_GRAVITY_M_S2 = 9.81

Curve = Array | float
Curves = dict[str, Curve | tuple[Curve, Curve]]  # a pair is (leading side, other side)


@dataclass(frozen=True)
class Style:
    """How one person moves in one clip; the same draws whatever the action."""

    tempo: float  # factor on speed
    amplitude: float  # factor on the excursions
    phase: float  # 0 to 1, where in its cycle the clip begins
    left_handed: bool
    both_sides: bool  # punches alternate
    variant: float  # 0 to 1, picks among ways of doing the same thing
    offsets: Array  # degrees, one a channel: posture
    sway: Array  # 0 to 1, one a channel: phase of a slow sway


def sample_style(rng: np.random.Generator) -> Style:
    """A random style."""
    channels = len(_TRUNK) + 2 * len(_LIMBS)
    return Style(
        tempo=float(rng.uniform(0.85, 1.2)),
        amplitude=float(rng.uniform(0.88, 1.1)),
        phase=float(rng.random()),
        left_handed=bool(rng.random() < 0.5),
        both_sides=bool(rng.random() < 0.5),
        variant=float(rng.random()),
        offsets=np.clip(rng.normal(0, 2.2, channels), -5, 5),
        sway=rng.random(channels),
    )


def _cycle(phase: Array, *keys: tuple[float, float]) -> Array:
    """Periodic Catmull-Rom curve through (phase, value) keys, phases ascending in [0, 1)."""
    at = np.array([k[0] for k in keys])
    value = np.array([k[1] for k in keys])
    times = np.concatenate([[at[-1] - 1], at, [at[0] + 1]])
    values = np.concatenate([[value[-1]], value, [value[0]]])
    slope = (np.roll(value, -1) - np.roll(value, 1)) / (
        np.concatenate([at[1:], [at[0] + 1]]) - np.concatenate([[at[-1] - 1], at[:-1]])
    )
    slopes = np.concatenate([[slope[-1]], slope, [slope[0]]])
    wrapped = phase % 1.0
    i = np.clip(np.searchsorted(times, wrapped, side="right") - 1, 0, len(times) - 2)
    span = times[i + 1] - times[i]
    u = (wrapped - times[i]) / span
    return np.asarray(
        values[i] * (1 + 2 * u) * (1 - u) ** 2
        + values[i + 1] * u**2 * (3 - 2 * u)
        + span * u * (1 - u) * (slopes[i] * (1 - u) - slopes[i + 1] * u)
    )


def _smoothstep(x: Array) -> Array:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def _phase(t: Array, style: Style, period_s: float) -> Array:
    return t * style.tempo / period_s + style.phase


def _flight(phase: Array, start: float, end: float) -> Array:
    """A parabola of height 1 between two phases, 0 elsewhere."""
    u = np.clip((phase % 1.0 - start) / (end - start), 0, 1)
    return 4 * u * (1 - u)


def _walk(t: Array, duration: float, style: Style) -> Curves:
    a, phase = style.amplitude, _phase(t, style, 1.05)
    other = phase + 0.5

    def hip(p: Array) -> Array:
        return _cycle(p, (0, 27 * a), (0.25, 4), (0.5, -20 * a), (0.62, -8), (0.8, 26 * a))

    def knee(p: Array) -> Array:
        return _cycle(p, (0, 4), (0.12, 15), (0.35, 5), (0.52, 30), (0.7, 62 * a), (0.9, 14))

    swing = 26 * a * np.cos(2 * np.pi * phase)
    return {
        "hip": (hip(phase), hip(other)), "knee": (knee(phase), knee(other)), "spread": (1.5, 1.5),
        "elevation": (3 - swing, 3 + swing), "plane": (8, 8), "axial": (-8, -8),
        "elbow": (22 - 0.5 * swing, 22 + 0.5 * swing), "lean": 3, "twist": -5 * a * np.cos(2 * np.pi * phase),
        "travel": 1.25 * a * style.tempo * t,
    }  # fmt: skip


def _run(t: Array, duration: float, style: Style) -> Curves:
    a, phase = style.amplitude, _phase(t, style, 0.70)
    other = phase + 0.5

    def hip(p: Array) -> Array:
        return _cycle(p, (0, 34 * a), (0.18, 8), (0.38, -26 * a), (0.6, 8), (0.8, 58 * a))

    def knee(p: Array) -> Array:
        return _cycle(p, (0, 16), (0.14, 34), (0.36, 16), (0.62, 108 * a), (0.82, 78))

    swing = 48 * a * np.cos(2 * np.pi * (phase + 0.1))
    return {
        "hip": (hip(phase), hip(other)), "knee": (knee(phase), knee(other)), "spread": (1, 1),
        "elevation": (4 - swing, 4 + swing), "plane": (6, 6), "axial": (-22, -22), "elbow": (92, 92),
        "lean": 12, "twist": -9 * a * np.cos(2 * np.pi * phase),
        "lift": 0.035 * a * (1 + np.cos(4 * np.pi * (phase + 0.06))), "travel": 2.6 * a * style.tempo * t,
    }  # fmt: skip


def _wave(t: Array, duration: float, style: Style) -> Curves:
    phase = _phase(t, style, 0.62)
    beat = np.sin(2 * np.pi * phase)
    raised = 82 + 55 * style.variant
    return {
        "elevation": (raised + 6 * beat, 9), "plane": (72, 70), "axial": (0, -70),
        "elbow": (95 - 55 * style.variant + 34 * style.amplitude * beat, 16), "tilt": 3, "turn": 0,
    }  # fmt: skip


def _clap(t: Array, duration: float, style: Style) -> Curves:
    phase = _phase(t, style, 0.5)
    apart = 0.5 - 0.5 * np.cos(2 * np.pi * phase)
    height = 34 + 26 * style.variant
    return {
        "elevation": (height, height), "plane": (12 + 16 * apart, 12 + 16 * apart),
        "axial": (-42 + 58 * style.amplitude * apart, -42 + 58 * style.amplitude * apart),
        "elbow": (80 - 10 * apart, 80 - 10 * apart), "nod": 6,
    }  # fmt: skip


def _jumping_jack(t: Array, duration: float, style: Style) -> Curves:
    phase = _phase(t, style, 0.92)
    wide = _smoothstep(0.5 - 0.62 * np.cos(2 * np.pi * phase))
    arm = 14 + 150 * style.amplitude * wide
    leg = 2 + 25 * style.amplitude * wide
    bend = 12 + 20 * np.abs(np.cos(2 * np.pi * phase)) ** 6
    return {
        "elevation": (arm, arm), "plane": (86, 86), "axial": (-40 * (1 - wide), -40 * (1 - wide)),
        "elbow": (14, 14), "spread": (leg, leg), "hip": (0.5 * bend, 0.5 * bend), "knee": (bend, bend),
        "lift": 0.055 * np.abs(np.sin(2 * np.pi * phase)) ** 1.5,
    }  # fmt: skip


def _squat(t: Array, duration: float, style: Style) -> Curves:
    phase = _phase(t, style, 1.35)
    low = _smoothstep(0.5 - 0.58 * np.cos(2 * np.pi * phase))
    arms = 12 + 72 * low
    bent = 10 + (90 if style.variant > 0.5 else 0) * low
    return {
        "hip": (4 + 92 * style.amplitude * low, 4 + 92 * style.amplitude * low),
        "knee": (8 + 112 * style.amplitude * low, 8 + 112 * style.amplitude * low),
        "spread": (7, 7), "turnout": (12 + 16 * low, 12 + 16 * low), "lean": 2 + 36 * low, "nod": -10 * low,
        "elevation": (arms, arms), "plane": (12, 12), "axial": (-25, -25), "elbow": (bent, bent),
    }  # fmt: skip


def _sit_down(t: Array, duration: float, style: Style) -> Curves:
    length = min(_SIT_DURATION_S / style.tempo, 0.88 * duration)
    start = (duration - length) * (0.25 + 0.5 * style.phase)
    seated = _smoothstep((t - start) / length)
    bow = 4 * seated * (1 - seated)
    reach = 10 + 24 * seated + 34 * bow
    return {
        "hip": (3 + 84 * seated, 3 + 84 * seated), "knee": (6 + 80 * seated + 14 * bow, 6 + 80 * seated + 14 * bow),
        "lean": 2 + 4 * seated + 36 * style.amplitude * bow, "nod": -8 * bow,
        "elevation": (reach, reach), "plane": (20, 20), "axial": (-20 - 10 * seated, -20 - 10 * seated),
        "elbow": (14 + 42 * seated, 14 + 42 * seated),
    }  # fmt: skip


def _stand_up(t: Array, duration: float, style: Style) -> Curves:
    return _sit_down(duration - t, duration, style)


def _high_jump(t: Array, duration: float, style: Style) -> Curves:
    height = 0.22 + 0.07 * (style.amplitude - 1)
    # The flight takes as long as gravity wants for a person of 1.7 m: it is never slow motion.
    flight_s = 2 * np.sqrt(2 * height * 1.7 / _GRAVITY_M_S2)
    period_s = flight_s + 0.85 / style.tempo
    phase = t / period_s + style.phase
    land = 0.42 + flight_s / period_s
    low = _cycle(phase, (0, 0.05), (0.26, 1), (0.42, 0), (land - 0.05, 0.12), (land + 0.09, 0.75), (0.98, 0.05))
    arms = _cycle(phase, (0, 10), (0.24, -38), (0.42, 160), (land - 0.08, 150), (land + 0.12, 20), (0.98, 10))
    return {
        "hip": (3 + 62 * low, 3 + 62 * low), "knee": (6 + 84 * low, 6 + 84 * low), "lean": 2 + 34 * low,
        "elevation": (arms, arms), "plane": (14, 14), "axial": (-14, -14), "elbow": (16, 16), "nod": -12 * low,
        "lift": height * _flight(phase, 0.42, land),
    }  # fmt: skip


def _kick(t: Array, duration: float, style: Style) -> Curves:
    a, phase = style.amplitude, _phase(t, style, 1.15)
    reach = 62 + 26 * style.variant
    hip = _cycle(phase, (0, 4), (0.22, -30 * a), (0.42, 42), (0.52, reach * a), (0.7, 30), (0.88, 6))
    knee = _cycle(phase, (0, 8), (0.22, 72), (0.4, 62), (0.52, 5), (0.7, 32), (0.88, 12))
    effort = _cycle(phase, (0, 0), (0.22, -0.6), (0.52, 1), (0.85, 0))
    return {
        "hip": (hip, 4 - 6 * effort), "knee": (knee, 12), "lean": 3 - 15 * effort, "twist": -16 * effort,
        "elevation": (16 - 34 * effort, 24 + 36 * effort), "plane": (30, 34), "axial": (-40, -30),
        "elbow": (34, 40), "spread": (2, 5), "planted": (0.0, 1.0),
    }  # fmt: skip


def _punch(t: Array, duration: float, style: Style) -> Curves:
    phase = _phase(t, style, 0.78)
    lead = _smoothstep(_cycle(phase, (0, 0), (0.12, -0.05), (0.3, 1.15), (0.42, 0.9), (0.66, 0)))
    if style.both_sides:
        rear = _smoothstep(_cycle(phase + 0.5, (0, 0), (0.12, -0.05), (0.3, 1.15), (0.42, 0.9), (0.66, 0)))
    else:
        rear = np.zeros_like(lead)
    twist = 10 + 30 * lead - 40 * rear

    def arm(out: Array) -> tuple[Array, Array, Array, Array]:
        return 28 + 58 * out, 14 - 12 * out, -18 * (1 - out), 122 - 114 * out

    arms = [arm(lead), arm(rear)]
    guard: Curves = {name: (arms[0][i], arms[1][i]) for i, name in enumerate(("elevation", "plane", "axial", "elbow"))}
    return guard | {
        "hip": (-13.0, 22.0), "knee": (20, 26), "spread": (5, 5), "lean": 6 + 6 * lead, "twist": twist, "nod": 6,
        "turn": -0.7 * twist,
    }  # fmt: skip


def _throw(t: Array, duration: float, style: Style) -> Curves:
    a, phase = style.amplitude, _phase(t, style, 1.2)
    keys = (0.0, 0.28, 0.45, 0.56, 0.7, 0.88)

    def curve(*values: float) -> Array:
        return _cycle(phase, *zip(keys, values, strict=True))

    twist = a * curve(0, -38, -10, 30, 34, 8)
    return {
        "elevation": (curve(20, 96, 118, 112, 46, 22), curve(18, 72, 50, 26, 18, 18)),
        "plane": (curve(40, 112, 88, 30, 6, 30), curve(20, 10, 30, 50, 50, 30)),
        "axial": (curve(-40, 40, 30, -5, -35, -40), -30), "elbow": (curve(40, 104, 82, 14, 22, 34), 30),
        "lean": curve(3, -10, 2, 24, 30, 8), "twist": twist, "turn": -0.8 * twist,
        "hip": (curve(-6, -14, -16, -22, -18, -8), curve(8, 40, 30, 26, 24, 12)),
        "knee": (curve(12, 20, 16, 16, 20, 14), curve(10, 52, 16, 14, 14, 12)), "planted": (1.0, 0.0),
    }  # fmt: skip


_CURVES: dict[str, Callable[[Array, float, Style], Curves]] = {
    "walk": _walk, "run": _run, "wave": _wave, "clap": _clap, "jumping_jack": _jumping_jack, "squat": _squat,
    "sit_down": _sit_down, "stand_up": _stand_up, "high_jump": _high_jump, "kick": _kick, "punch": _punch,
    "throw": _throw,
}  # fmt: skip


def _pair(value: Curve | tuple[Curve, Curve], n: int) -> Array:
    lead, other = value if isinstance(value, tuple) else (value, value)
    return np.stack([np.broadcast_to(lead, n), np.broadcast_to(other, n)], axis=1)


def pose_curves(action: str, t: Array, duration: float, style: Style) -> Pose:
    """The pose at times `t` (N,) in seconds of a clip that lasts `duration` seconds.

    `sit_down` and `stand_up` are each other backwards: the pose at t of one is that at duration - t of the
    other.
    """
    n = len(t)
    curves = _CURVES[action](t, duration, style)
    mirror = 1.0 if style.left_handed else -1.0
    clock = duration - t if action == "stand_up" else t
    sway = style.offsets + 1.6 * np.sin(2 * np.pi * (_SWAY_HZ * clock[:, None] + style.sway))
    fields: dict[str, Array] = {}
    for i, name in enumerate(_TRUNK):
        fields[name] = np.asarray(curves.get(name, _REST[name])) + sway[:, i]
        if name in ("tilt", "twist", "turn"):
            # A left-hander's twist towards the other side is one to the right.
            fields[name] = -mirror * fields[name]
    for i, name in enumerate(_LIMBS):
        pair = _pair(curves.get(name, _REST[name]), n)
        first = len(_TRUNK) + 2 * i
        pair = pair + sway[:, first : first + 2] * (0.5 if name in ("spread", "hip", "turnout") else 1.0)
        fields[name] = pair if style.left_handed else pair[:, ::-1]
    for name in ("lift", "travel"):
        fields[name] = np.broadcast_to(np.asarray(curves.get(name, 0.0), dtype=np.float64), n)
    fields["knee"] = np.maximum(fields["knee"], 2)
    fields["elbow"] = np.maximum(fields["elbow"], 2)
    planted = _pair(curves.get("planted", 0.0 if action in ("walk", "run") else 0.5), n)
    return Pose(**fields, planted=planted if style.left_handed else planted[:, ::-1])
