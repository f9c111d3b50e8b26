"""The smaller result: averages dropped, numbers halved."""

from __future__ import annotations

import numpy as np
import pytest

from registry.converting.errors import ConversionRefused
from registry.converting.halving import Odd, expected_halves, halve
from tests.registry.converting.build import Parts, checkpoint, converted, metadata_of, singles
from tests.registry.formats.layouts import SD_PLACES


def test_pruning_drops_the_averages_and_halves_the_rest():
    parts = Parts()
    made = checkpoint(parts)

    found, report, result = converted(parts.zipped({"state_dict": made}), "pruned_fp16")

    assert not any(name.startswith("model_ema.") for name in found)
    name = "model.diffusion_model.time_embed.0.weight"
    wanted = np.frombuffer(singles(16 * 320, 7), "<f4").astype("<f2").tobytes()
    assert found[name] == ("F16", (16, 320), wanted)
    assert found["cond_stage_model.transformer.text_model.embeddings.position_ids"][0] == "I64"
    assert (report.dropped, report.tensors) == (len(SD_PLACES) + 3, len(found))
    assert metadata_of(result)["converted_by"] == "Safelight (pruned_fp16)"


def test_averages_without_all_their_plain_weights_stay():
    parts = Parts()
    made = checkpoint(parts)
    made["model_ema.diffusion_modelextra"] = parts.tensor(singles(4), (4,))

    found, report, _result = converted(parts.zipped({"state_dict": made}), "pruned_fp16")

    assert report.dropped == 0
    assert found["model_ema.diffusion_modelextra"][0] == "F16"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda parts: {"lora_unet_x.lora_down.weight": parts.tensor(singles(8), (2, 4))}, "not_a_checkpoint"),
        (lambda parts: checkpoint(parts, "HalfStorage", ema=False), "nothing_to_prune"),
    ],
    ids=["something else", "half already"],
)
def test_what_need_not_be_pruned_is_refused(make, code):
    parts = Parts()

    with pytest.raises(ConversionRefused) as caught:
        converted(parts.zipped({"state_dict": make(parts)}), "pruned_fp16")

    assert caught.value.code == code


def test_numbers_that_no_half_can_hold_are_reported():
    parts = Parts()
    made = checkpoint(parts, ema=False)
    odd = np.array([1e6, -1e6, 65519.9, np.inf, -np.inf, np.nan, 1e-9, 3e-8], "<f4")
    made["first_stage_model.odd"] = parts.tensor(odd.tobytes(), (8,))

    found, report, _result = converted(parts.zipped({"state_dict": made}), "pruned_fp16")

    halves = np.frombuffer(found["first_stage_model.odd"][2], "<f2")
    assert halves[:5].tolist() == [65504, -65504, 65504, np.inf, -np.inf]
    assert np.isnan(halves[5])
    assert halves[6:].tolist() == [0, np.float16(3e-8)]
    assert report.odd == {"first_stage_model.odd": {"saturated": 2, "infinite": 2, "not_numbers": 1}}


def test_both_casts_agree_on_every_bfloat16_and_around_every_border():
    every = np.arange(1 << 16, dtype="<u2").tobytes()
    borders = [0, 0x33000000, 0x33800000, 0x387FC000, 0x38800000, 0x477FE000, 0x477FF000, 0x47800000, 0x7F800000]
    near = np.array([[base + step for step in range(-4096, 4096)] for base in borders if base >= 4096], "<i8")
    bits = np.concatenate([near.astype("<u4").reshape(-1), np.arange(9000, dtype="<u4")])
    both = np.concatenate([bits, bits | 0x80000000]).astype("<u4").tobytes()

    assert halve(every, "BF16", Odd()) == expected_halves(every, "BF16")
    assert halve(both, "F32", Odd()) == expected_halves(both, "F32")
