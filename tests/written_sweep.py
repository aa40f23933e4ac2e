"""The folder of a sweep as its table and files would be, without running a method."""

import json

import numpy as np
from conftest import make_photograph

from drp_jax.metrics import psnr
from drp_jax.sweep import Store

IMAGES = {"image 2": (12, 16, 3), "image <10>": (20, 10, 1)}
KEYS = (0, 1)
VARIANTS = (
    ("filter", None, {}, 0.03),
    *(
        ("network", "fast", {"width": 8, "weight": weight, "kind": "a_b"}, deviation)
        for weight, deviation in ((0.01, 0.09), (0.1, 0.05), (1.0, 0.12))
    ),
)
"""Method, preset, settings, and the deviation of the noise that is left."""

BETTER = {"psnr": "more", "ssim": "more", "worst": "less"}
"""The metrics of the plan; `worst` is a distance."""

ENVIRONMENT = {"device": "cpu: cpu", "cores": 2, "versions": {"jax": "0.10"}, "git": "abc123+"}


def make_row(number, **other):
    """A row of the table; `other` replaces its columns."""
    row = {
        "id": f"run{number}",
        "image": "image 2",
        "degradation": "gaussian:25",
        "task": "denoise",
        "method": "filter",
        "preset": None,
        "settings": "{}",
        "key": 0,
        "status": "completed",
        "iterations": 4,
        "psnr": 20.0,
        "ssim": 0.5,
        "seconds": 1.5,
        "compile_seconds": 0.5,
    }
    row |= other
    scores = {"psnr": row["psnr"], "ssim": row["ssim"]}
    return {"scores": json.dumps(scores)} | row


def add_rows(folder, rows, better=BETTER):
    """Adds rows, all of them of the last plan, as are those that are there."""
    with Store(folder) as store:
        for row in rows:
            store.add(row, ENVIRONMENT)
        store.begin([row["id"] for row in store.rows()], better)


def write_sweep(folder):
    """Two degradations, two images, two keys and four variants; one run of them has failed."""
    draw = np.random.default_rng(0)
    number = 0
    with Store(folder) as store:
        for degradation in ("gaussian:25", "gaussian:5"):
            for image, shape in IMAGES.items():
                for key in KEYS:
                    clean = make_photograph(*shape, seed=len(image))
                    inputs = f"images/inputs-{shape[0]}-{key}-{degradation[9:]}"
                    start = clean + 0.1 * draw.normal(size=clean.shape)
                    for method, preset, settings, deviation in VARIANTS:
                        number += 1
                        about = {
                            "image": image,
                            "degradation": degradation,
                            "method": method,
                            "preset": preset,
                            "settings": json.dumps(settings),
                            "key": key,
                        }
                        if number == 4:
                            failed = {
                                "status": "failed",
                                "error": "ValueError: </script> & 50% of it",
                            }
                            store.add(make_row(number, **about, **failed, scores=None), ENVIRONMENT)
                            continue
                        restored = clean + deviation * draw.normal(size=clean.shape)
                        restored = restored.astype(np.float32)
                        quality = float(psnr(np.clip(restored, 0, 1), clean))
                        row = make_row(
                            number,
                            **about,
                            status="stopped_by_rule",
                            iterations=40,
                            psnr=quality,
                            seconds=deviation * (1 + key) + 2.0,
                            compile_seconds=2.0,
                            scores=json.dumps(
                                {"psnr": quality, "ssim": 0.5, "worst": 0.01 * number}
                            ),
                            files=f"images/run{number}",
                            inputs=inputs,
                        )
                        arrays = {
                            "image": restored,
                            "image_iteration": np.asarray(30),
                            "history_psnr": quality - 0.01 * (np.arange(1, 41) - 30.0) ** 2,
                            "history_loss": 1 / np.arange(1, 41),
                        }
                        if method == "filter":
                            arrays["uncertainty"] = np.full(shape[:2], 0.03, np.float32)
                        files = {f"images/run{number}": arrays}
                        files[inputs] = {"reference": clean, "start": start.astype(np.float32)}
                        store.add(row, ENVIRONMENT, files)
    add_rows(folder, [])
    return folder
