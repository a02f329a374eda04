"""Kinematics of an arm, in plain NumPy and math."""

import functools
import math
from dataclasses import dataclass
from math import cos, sin

import numpy
import numpy as np
from numpy import array, eye
from numpy.linalg import norm

from tests.core.dual.programs import shapes

SCALES = {"half": lambda x: x / math.sqrt(4.0), "shape": shapes.area}


def rotation(angle):
    return array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])


def place(angles):
    position, total = np.zeros(2), 0.0
    for angle in angles:
        total = total + angle
        position[:] = position + rotation(total) @ np.array([1.0, 0.0])
    return position


def homogeneous(angle, length):
    matrix = eye(3)
    matrix[:2, :2] = rotation(angle)
    matrix[0, 2] = length
    return matrix


@functools.wraps(place)
def distance(angles):
    import numpy as local

    return norm(place(angles)) + local.asarray([angles[0], 0.0])[0] * shapes.area([angles[0], 1.0])


def scaled(x, how="half"):
    return SCALES[how](x)


def recursive(x, depth):
    return numpy.sum(numpy.array([x[0], x[1]])) if depth == 0 else x[0] * recursive(x, depth - 1)


@dataclass
class Arm:
    """An arm of two joints."""

    lengths: tuple = (1.0, 0.5)

    @property
    def total(self):
        return math.fsum(self.lengths)

    @staticmethod
    def wrapped(angle):
        return math.atan2(sin(angle), cos(angle))

    def reach(self, angles):
        parts = [length * cos(self.wrapped(angle)) for length, angle in zip(self.lengths, angles, strict=True)]
        return np.array(parts) * self.total


class Long(Arm):
    """A longer one."""

    def reach(self, angles):
        return super().reach(angles) * math.exp(angles[0])


def of_class(angles):
    return Long().reach(angles)


def made(power):
    def raised(x):
        return array([math.pow(x[0], power), shapes.area(x)])

    return raised


cubed = made(3)
