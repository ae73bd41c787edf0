"""OpenSARShip: a folder a scene with `Patch_Uint8`, `Patch_Cal` and `Ship.xml`; chips named by type and center."""

from pathlib import Path

from fakes.drawing import save, speckle

SCENES = ("S1A_IW_GRDH_1SDV_20150210T042708", "S1A_IW_GRDH_1SDV_20160320T112233")
# type as written in the name, center, AIS number, length, width, heading
SHIPS = {
    SCENES[0]: [("Cargo", 1601, 7784, "70", "189", "30", "45"), ("Tug", 23, 8345, "52", "28.5", "9", "511")],
    SCENES[1]: [("Cargo", 1601, 7784, "79", "0", "", "")],  # the same name as in the other scene; sizes not known
}


def draw(root: Path) -> None:
    """Three ships in two scenes, each chip in VH and VV, 8-bit and calibrated."""
    for scene, ships in SHIPS.items():
        for seed, (kind, x, y, *_) in enumerate(ships):
            for polarization in ("vh", "vv"):
                chip = f"{kind}_x{x}_y{y}_{polarization}.tif"
                save(root / scene / "Patch_Uint8" / f"Visual_{chip}", speckle(40, 30 + seed, seed=seed))
                save(root / scene / "Patch_Cal" / chip, speckle(40, 30 + seed, seed=seed))
        write_ships(root / scene / "Ship.xml", ships)


def write_ships(path: Path, ships: list[tuple[str, int, int, str, str, str, str]]) -> None:
    """`Ship.xml` of one scene."""
    entries = "".join(
        f"<ship><SARShipInformation><Center_x>{x}</Center_x><Center_y>{y}</Center_y></SARShipInformation>"
        f"<AISShipInformation><MMSI>1</MMSI><Ship_Type>{number}</Ship_Type><Length>{length}</Length>"
        f"<Width>{width}</Width><Heading>{heading}</Heading></AISShipInformation></ship>"
        for _, x, y, number, length, width, heading in ships
    )
    path.write_text(f"<?xml version='1.0'?><ships>{entries}</ships>")
