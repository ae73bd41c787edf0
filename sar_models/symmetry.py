"""The eight ways to lay a square picture down: flips and quarter turns. Imports no torch."""

TRANSPOSED, LEFT_RIGHT, UP_DOWN = 1, 2, 4  # bits of a symmetry, in the order in which they are done; 0: as it is
SYMMETRIES = 8


def moved(x: float, y: float, *, symmetry: int) -> tuple[float, float]:
    """Where a direction (x to the right, y down) points once the picture is turned."""
    if symmetry & TRANSPOSED:
        x, y = y, x
    return (-x if symmetry & LEFT_RIGHT else x), (-y if symmetry & UP_DOWN else y)
