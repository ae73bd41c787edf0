"""The one view that all simulated images share: pixel spacing, look direction, incidence, sun; px equals m.

The sensor stands to the left (west) and far away: range runs along +x, azimuth along y, images are in ground range.
A point at height h appears h/tan(incidence) nearer to the sensor (layover) and hides h·tan(incidence) of flat ground
behind it (shadow): Oliver & Quegan, "Understanding Synthetic Aperture Radar Images", 2004, chapter 2.
"""

import math

PIXEL_SPACING_M = 1.0
INCIDENCE_DEG = 40.0
LAYOVER_PER_M = round(1 / math.tan(math.radians(INCIDENCE_DEG)), 6)  # towards −x
SHADOW_PER_M = round(math.tan(math.radians(INCIDENCE_DEG)), 6)  # towards +x

SUN_AZIMUTH_DEG = 150.0  # from north, clockwise: shadows fall to the upper left
SUN_ELEVATION_DEG = 50.0
_SUN_RUN = 1 / math.tan(math.radians(SUN_ELEVATION_DEG))
SUN_SHADOW_PER_M = (
    round(-_SUN_RUN * math.sin(math.radians(SUN_AZIMUTH_DEG)), 6),
    round(_SUN_RUN * math.cos(math.radians(SUN_AZIMUTH_DEG)), 6),
)


def layover_px(height_m: float) -> float:
    """How far a point at `height_m` moves towards the sensor."""
    return height_m * LAYOVER_PER_M / PIXEL_SPACING_M


def shadow_px(height_m: float) -> float:
    """How far the radar shadow of a point at `height_m` reaches away from the sensor."""
    return height_m * SHADOW_PER_M / PIXEL_SPACING_M


def sun_shadow_px(height_m: float) -> tuple[float, float]:
    """Where the sun's shadow of a point at `height_m` falls, as (dx, dy)."""
    return height_m * SUN_SHADOW_PER_M[0] / PIXEL_SPACING_M, height_m * SUN_SHADOW_PER_M[1] / PIXEL_SPACING_M
