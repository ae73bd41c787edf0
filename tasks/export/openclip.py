"""Loose images and CSV for `open_clip_train`: `Image/<source>/…` and `{train,val,test}.csv` with `filepath,caption`.

Train with `cd OUT && python -m open_clip_train.main --train-data train.csv --val-data val.csv --dataset-type csv
--csv-separator , --csv-img-key filepath --csv-caption-key caption …`.
"""

import shutil
from functools import partial

from tasks.export.bundle import Bundle
from tasks.validate.write import SPLITS


def write(bundle: Bundle) -> None:
    """Write the images of the captions, then the tables as validate wrote them."""
    images = bundle.images()
    bundle.bar.expect(len(images))
    bundle.loose_images(images)
    for split in SPLITS:
        bundle.put(f"{split}.csv", partial(shutil.copyfile, bundle.folder / f"{split}.csv"))
