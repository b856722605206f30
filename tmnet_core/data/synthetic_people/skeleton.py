"""Body proportions, poses and 3D forward kinematics, vectorised over time.

Three orthogonal directions describe everything: forward, left and up. Lengths are metres, angles are degrees.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

JOINT_NAMES = (
    "pelvis", "neck", "head",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    "left_hand", "right_hand", "left_hip", "right_hip", "left_knee", "right_knee",
    "left_ankle", "right_ankle", "left_toe", "right_toe",
)  # fmt: skip
JOINT = {name: index for index, name in enumerate(JOINT_NAMES)}
_SIDE = np.array([1.0, -1.0])  # left, right along the direction "left"
_ANKLE_RANGE_DEG = 22.0  # the foot stays flat until the shin leans further than this


@dataclass(frozen=True)
class Body:
    """Lengths of one person in metres."""

    height: float
    female: bool
    girth: float  # 1 = average
    thigh: float
    shin: float
    ankle: float  # height of the ankle above the sole
    foot: float
    hip_half_width: float
    trunk: float  # hips to shoulder line
    neck: float
    head: float  # height of the head, chin to crown
    shoulder_half_width: float
    upper_arm: float
    forearm: float
    hand: float


def sample_body(rng: np.random.Generator) -> Body:
    """Random proportions around those of anthropometric tables (fractions of the body height)."""
    female = bool(rng.random() < 0.5)
    height = float(rng.normal(1.65 if female else 1.76, 0.06))
    vary = rng.uniform(0.95, 1.05, size=10) * height
    return Body(
        height=height,
        female=female,
        girth=float(rng.uniform(0.88, 1.22)),
        thigh=0.245 * vary[0],
        shin=0.246 * vary[0],
        ankle=0.042 * vary[1],
        foot=0.150 * vary[2],
        hip_half_width=(0.056 if female else 0.052) * vary[3],
        trunk=0.285 * vary[4],
        neck=0.045 * vary[5],
        head=0.142 * vary[6],
        shoulder_half_width=(0.099 if female else 0.116) * vary[7],
        upper_arm=0.172 * vary[8],
        forearm=0.150 * vary[8],
        hand=0.095 * vary[9],
    )


@dataclass(frozen=True)
class Pose:
    """Joint angles of N moments in degrees: (N,) for the trunk, (N, 2) for left and right limbs.

    The arm follows the shoulder's standard angles: plane of elevation (0 forward, 90 sideways), elevation
    (0 down, 180 up) and axial rotation (negative turns the forearm inward). Legs are relative to the upright
    heading, not to the trunk.
    """

    lean: Array  # trunk forward
    tilt: Array  # trunk to the left
    twist: Array  # shoulders to the left
    nod: Array  # head forward
    turn: Array  # head to the left
    lift: Array  # height of the lower foot above the ground, fraction of the body height
    travel: Array  # metres walked
    elevation: Array
    plane: Array
    axial: Array
    elbow: Array
    hip: Array  # flexion, forward
    spread: Array  # abduction
    turnout: Array  # knees and feet outward
    knee: Array
    planted: Array  # weights of left and right foot in what stays in place; 0 and 0: the hips do


@dataclass(frozen=True)
class Skeleton:
    """Joints and body frames of N moments in world axes: right, up, towards the camera (metres).

    `joints` (N, J, 3); `heels` (N, 2, 3); `trunk`, `hips` and `face` (N, 3, 3) hold the directions forward,
    left and up of the chest, the pelvis and the head as rows.
    """

    joints: Array
    heels: Array
    trunk: Array
    hips: Array
    face: Array

    def __getitem__(self, moments: slice) -> "Skeleton":
        return Skeleton(*(part[moments] for part in (self.joints, self.heels, self.trunk, self.hips, self.face)))


def _rotation(axis: int, degrees: Array) -> Array:
    """(N, 3, 3) rotations of (forward, left, up); positive leans forward, tilts left, twists left."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    first, second = {1: (2, 0), 0: (2, 1), 2: (0, 1)}[axis]
    matrix = np.zeros((len(angle), 3, 3))
    matrix[:, axis, axis] = 1
    matrix[:, first, first] = cos
    matrix[:, second, second] = cos
    matrix[:, second, first] = sin
    matrix[:, first, second] = -sin
    return matrix


def _leg_direction(angle: Array, turnout: Array, spread: Array) -> Array:
    """(N, 2, 3) unit vectors (forward, outward, up) of a segment `angle` in front of straight down."""
    forward, outward, up = np.sin(angle) * np.cos(turnout), np.sin(angle) * np.sin(turnout), -np.cos(angle)
    cos, sin = np.cos(spread), np.sin(spread)
    return np.stack([forward, outward * cos - up * sin, up * cos + outward * sin], axis=-1)


def _arm_directions(pose: Pose) -> tuple[Array, Array]:
    """(N, 2, 3) unit vectors (forward, outward, up) of upper arm and forearm in the trunk's frame."""
    elevation, plane, axial, elbow = (
        np.deg2rad(angle) for angle in (pose.elevation, pose.plane, pose.axial, pose.elbow)
    )
    cos_e, sin_e, cos_p, sin_p = np.cos(elevation), np.sin(elevation), np.cos(plane), np.sin(plane)
    upper = np.stack([sin_e * cos_p, sin_e * sin_p, -cos_e], axis=-1)
    bend = np.sin(elbow) * np.cos(axial)
    outward = np.sin(elbow) * np.sin(axial)
    along = -np.cos(elbow)
    raised = bend * cos_e - along * sin_e
    fore = np.stack(
        [raised * cos_p - outward * sin_p, raised * sin_p + outward * cos_p, along * cos_e + bend * sin_e],
        axis=-1,
    )
    return upper, fore


def _legs(body: Body, pose: Pose) -> tuple[Array, ...]:
    """Hip, knee, ankle, toe and heel, each (N, 2, 3), relative to the middle of the hips."""
    hip, knee, spread, turnout = (np.deg2rad(angle) for angle in (pose.hip, pose.knee, pose.spread, pose.turnout))
    shin_angle = hip - knee
    range_ = np.deg2rad(_ANKLE_RANGE_DEG)
    pitch = shin_angle - np.clip(shin_angle, -range_, range_)
    side = np.array([1.0, 1.0, 1.0]) * np.ones((2, 1))
    side[:, 1] = _SIDE
    hips = np.zeros((len(pose.lean), 2, 3))
    hips[..., 1] = body.hip_half_width * _SIDE
    knees = hips + body.thigh * side * _leg_direction(hip, turnout, spread)
    ankles = knees + body.shin * side * _leg_direction(shin_angle, turnout, spread)
    turn = turnout + np.deg2rad(6)
    sole = side * np.stack([np.cos(pitch) * np.cos(turn), np.cos(pitch) * np.sin(turn), np.sin(pitch)], axis=-1)
    down = body.ankle * np.stack([np.sin(pitch), np.zeros_like(pitch), -np.cos(pitch)], axis=-1)
    return hips, knees, ankles, ankles + 0.74 * body.foot * sole + down, ankles - 0.26 * body.foot * sole + down


def _ground(body: Body, pose: Pose, ankles: Array, toes: Array, heels: Array) -> Array:
    """(N, 3) place of the hips that keeps the lower foot on the ground and the planted feet in place."""
    root = np.zeros((len(ankles), 3))
    root[:, 2] = pose.lift * body.height - np.minimum(toes, heels)[..., 2].min(axis=1)
    home = np.zeros((2, 2))
    home[:, 1] = body.hip_half_width * _SIDE
    root[:, :2] = np.einsum("nsk,ns->nk", home - ankles[..., :2], pose.planted)
    root[:, 0] += pose.travel
    return root


def forward_kinematics(body: Body, pose: Pose, azimuth_deg: float) -> Skeleton:
    """Joints in the world; at azimuth 0 the person faces the camera, at +90 the right edge of the picture."""
    trunk = _rotation(1, pose.lean) @ _rotation(0, pose.tilt) @ _rotation(2, pose.twist)
    hips_frame = _rotation(1, 0.6 * pose.lean) @ _rotation(0, 0.5 * pose.tilt) @ _rotation(2, 0.3 * pose.twist)
    face = _rotation(1, 0.45 * pose.lean + pose.nod) @ _rotation(2, 0.3 * pose.twist + pose.turn)
    left, up = trunk[:, :, 1], trunk[:, :, 2]
    neck = body.trunk * up
    head = neck + (body.neck + 0.1 * body.head) * up + 0.42 * body.head * face[:, :, 2]
    upper_direction, fore_direction = _arm_directions(pose)
    outward = np.array([1.0, 0.0, 1.0]) + np.array([0.0, 1.0, 0.0]) * _SIDE[:, None]
    upper = np.einsum("nij,nsj->nsi", trunk, upper_direction * outward)
    fore = np.einsum("nij,nsj->nsi", trunk, fore_direction * outward)
    shoulders = (neck - 0.03 * body.height * up)[:, None] + body.shoulder_half_width * left[:, None] * _SIDE[:, None]
    elbows = shoulders + body.upper_arm * upper
    wrists = elbows + body.forearm * fore
    hands = wrists + body.hand * fore
    hips, knees, ankles, toes, heels = _legs(body, pose)
    sides = np.stack([shoulders, elbows, wrists, hands, hips, knees, ankles, toes, heels], axis=1)
    points = np.concatenate(
        [np.zeros_like(neck)[:, None], neck[:, None], head[:, None], sides.reshape(len(neck), -1, 3)], axis=1
    )
    points += _ground(body, pose, ankles, toes, heels)[:, None]
    angle = np.deg2rad(azimuth_deg)
    to_world = np.array([[np.sin(angle), np.cos(angle), 0], [0, 0, 1], [np.cos(angle), -np.sin(angle), 0]])
    points = points @ to_world.T
    frames = (np.swapaxes(frame, 1, 2) @ to_world.T for frame in (trunk, hips_frame, face))
    return Skeleton(points[:, : len(JOINT_NAMES)], points[:, len(JOINT_NAMES) :], *frames)
