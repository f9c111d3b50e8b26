"""Honest files in all the forms that Stable Diffusion models and what goes with them take, and honest oddities."""

from __future__ import annotations

import pickle
from typing import Any

from tests.data.pickles.case import CHECK, SAFE, Case
from tests.data.pickles.containers import Entry, legacy_torch, torch_file, torch_tar
from tests.data.pickles.writing import ORDERED, Made, Ref, Stored, dump, ordered, tensor


def _torch(name: str, shows: str, thing: Any, protocol: int = 2, **options: Any) -> Case:
    return Case(f"{name}.pt", shows, torch_file(thing, protocol, **options), SAFE, "", "torch-zip")


def _plain(protocol: int) -> Case:
    thing = {"lr": 1e-4, "steps": [1, 2, 3], "name": "x", "n": None, "t": (1, True), "u": "é", "s": {1, 2}, "b": b"ab"}
    if protocol < 4:
        thing.pop("s")  # written as a call of `set`, which the name differs for
    return Case(
        f"plain-{protocol}.pkl", f"a dictionary, protocol {protocol}", pickle.dumps(thing, protocol), SAFE, "", "pickle"
    )


W = tensor("0", (4, 8))
HALF = tensor("1", (3,), "HalfStorage")
STATE = ordered([("model.w", W), ("model.b", HALF)], _metadata=ordered([("", {"version": 1})]))
EMBEDDING = {
    "string_to_token": {"*": 265},
    "string_to_param": {"*": tensor("0", (2, 768))},
    "name": "papercrane",
    "step": 900,
    "sd_checkpoint": None,
}
PARAMETER = Made(Ref("torch._utils", "_rebuild_parameter"), W, True, Made(ORDERED))
CALLBACK = Ref("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint")
F8 = Made(Ref("numpy", "dtype"), "f8", False, True, state=(3, "<", None, None, None, -1, -1, 0))
LOSS = Made(Ref("numpy._core.multiarray", "scalar"), F8, b"\0" * 8)
OLD_LOSS = Made(Ref("numpy.core.multiarray", "scalar"), F8, b"\0" * 8)
ARRAY = Made(
    Ref("numpy.core.multiarray", "_reconstruct"),
    Ref("numpy", "ndarray"),
    (0,),
    b"b",
    state=(1, (1,), F8, False, b"\0" * 8),
)
SHARED = [1, 2]
CYCLE: list[Any] = []
CYCLE.append(CYCLE)
NESTED: Any = "x"
for _level in range(40):
    NESTED = [NESTED]

CASES = [
    *(_plain(protocol) for protocol in range(6)),
    _torch("state", "a state dict with metadata", STATE),
    _torch("state-3", "a state dict, protocol 3", STATE, 3),
    _torch("state-4", "a state dict, protocol 4", STATE, 4),
    _torch("checkpoint", "a Stable Diffusion checkpoint", {"state_dict": {"w": W, "b": HALF}, "global_step": 8400}),
    _torch("embedding", "an embedding", EMBEDDING),
    _torch("embedding-archive", "an embedding, other folder", EMBEDDING, folder="archive one 鶴"),
    _torch(
        "embedding-new",
        "an embedding with the members of today's torch",
        EMBEDDING,
        more=[
            Entry("archive/.format_version", b"1"),
            Entry("archive/.storage_alignment", b"64"),
            Entry("archive/.data/serialization_id", b"1234567890" * 4),
        ],
    ),
    _torch("parameter", "a trainable tensor", {"w": PARAMETER}),
    _torch(
        "parameter-dict",
        "an embedding in a ParameterDict",
        {
            "string_to_param": Made(
                Ref("torch.nn.modules.container", "ParameterDict"),
                state={"_parameters": ordered([("*", PARAMETER)]), "training": True},
                new=True,
            )
        },
    ),
    _torch(
        "kinds",
        "every element type",
        {
            kind: tensor(str(n), (2,), kind)
            for n, kind in enumerate(
                ["DoubleStorage", "LongStorage", "BoolStorage", "ByteStorage", "BFloat16Storage", "ComplexFloatStorage"]
            )
        },
    ),
    _torch("cuda", "tensors of a graphics card", {"w": tensor("0", (2,), location="cuda:0")}),
    _torch(
        "untyped",
        "a newer element type over an untyped storage",
        {
            "w": Made(
                Ref("torch._utils", "_rebuild_tensor_v3"),
                Stored("UntypedStorage", "0", 4, module="torch.storage"),
                0,
                (4,),
                (1,),
                False,
                Made(ORDERED),
                Ref("torch", "float8_e4m3fn"),
            )
        },
    ),
    _torch(
        "quantized",
        "a quantized tensor",
        {
            "w": Made(
                Ref("torch._utils", "_rebuild_qtensor"),
                Stored("QInt8Storage", "0", 4),
                0,
                (4,),
                (1,),
                (Ref("torch", "per_tensor_affine"), 0.1, 0),
                False,
                Made(ORDERED),
            )
        },
    ),
    _torch(
        "sparse",
        "a sparse tensor",
        {
            "w": Made(
                Ref("torch._utils", "_rebuild_sparse_tensor"),
                Made(Ref("torch.serialization", "_get_layout"), "torch.sparse_coo"),
                (tensor("0", (1, 2), "LongStorage"), tensor("1", (2,)), Made(Ref("torch", "Size"), (4,)), True),
            )
        },
    ),
    _torch(
        "values",
        "a shape, a device, a type",
        {
            "s": Made(Ref("torch", "Size"), (1, 2)),
            "d": Made(Ref("torch", "device"), "cuda", 0),
            "t": Ref("torch", "float16"),
        },
    ),
    _torch(
        "tensor-attributes",
        "a tensor with attributes",
        {
            "w": Made(
                Ref("torch._tensor", "_rebuild_from_type_v2"),
                Ref("torch._utils", "_rebuild_tensor_v2"),
                Ref("torch", "Tensor"),
                (Stored("FloatStorage", "0", 4), 0, (4,), (1,), False, Made(ORDERED)),
                {"tag": "x"},
            )
        },
    ),
    _torch(
        "lightning",
        "a Lightning checkpoint whose key is a class",
        {"callbacks": {CALLBACK: {"best": None}}, "state_dict": {"w": W}},
    ),
    _torch(
        "numpy-scalars",
        "numpy numbers",
        {"w": W, "loss": LOSS, "hist": Made(Ref("collections", "defaultdict"), Ref("builtins", "list"))},
    ),
    _torch("numpy-1-scalars", "numpy numbers with numpy 1 names", {"w": W, "loss": OLD_LOSS}),
    _torch(
        "random-states",
        "random states",
        [("MT19937", ARRAY, 624, 0, 0.0), (3, (1, 2, 3), None), tensor("0", (16,), "ByteStorage")],
    ),
    _torch(
        "optimizer",
        "an optimizer's state",
        {"state": {0: {"step": tensor("0", ()), "exp_avg": W}}, "param_groups": [{"lr": 5e-3, "betas": (0.9, 0.999)}]},
    ),
    _torch(
        "optim-side-file",
        "an embedding's optimizer",
        {"hash": "ab12", "optimizer_state_dict": {"state": {0: {"step": tensor("0", ())}}}},
    ),
    _torch(
        "scheduler",
        "a scheduler's state",
        {"milestones": Made(Ref("collections", "Counter"), {10: 1}), "last_epoch": 3},
    ),
    _torch(
        "odd-values",
        "sets, bytes and numbers of Python",
        {"s": {1, 2}, "f": frozenset({3}), "b": b"\xff\0", "a": bytearray(b"x"), "c": 1j},
    ),
    _torch(
        "evil-looking-keys",
        "names that only look dangerous",
        {"os.system": "rm -rf", "__reduce__": ["eval"], "c\nos\nsystem": 1},
    ),
    _torch("many", "many small tensors", {f"layer.{n}.weight": tensor(str(n), (1,)) for n in range(300)}),
    _torch("tensor-like-pickle", "tensor bytes beside the pickle", {"w": W}),
    Case("legacy.pth", "the layout before the zip", legacy_torch({"w": W, "b": HALF}), SAFE, "", "torch-legacy"),
    Case("legacy-embedding.pt", "an embedding in that layout", legacy_torch(EMBEDDING), SAFE, "", "torch-legacy"),
    Case("oldest.pt", "torch's tar layout", torch_tar(dump({"w": 1})), SAFE, "", "torch-tar"),
    Case("nested.pkl", "lists forty deep", dump(NESTED, 4), SAFE, "", "pickle"),
    Case("cycle.pkl", "a list in itself", pickle.dumps(CYCLE, 4), SAFE, "", "pickle"),
    Case("shared.pkl", "a value used twice", pickle.dumps({"a": SHARED, "b": SHARED}, 4), SAFE, "", "pickle"),
    Case("two.pkl", "two pickles in a row", pickle.dumps(1, 2) + pickle.dumps([2], 4), SAFE, "", "pickle"),
    Case("array.pkl", "a numpy array", dump(ARRAY), SAFE, "", "pickle"),
    Case(
        "big-frame.pkl", "frames and large strings", pickle.dumps(["x" * 70_000, "y" * 10, "z" * 200_000, 5], 4), SAFE
    ),
    Case(
        "module.pt",
        "a whole network",
        torch_file(
            Made(
                Ref("torch.nn.modules.linear", "Linear"),
                state={"_parameters": ordered([("weight", PARAMETER)])},
                new=True,
            )
        ),
        CHECK,
    ),
    Case(
        "detector.pt",
        "a detector",
        torch_file({"model": Made(Ref("ultralytics.nn.tasks", "DetectionModel"), state={"yaml": {}}, new=True)}),
        CHECK,
    ),
    Case(
        "arguments.bin",
        "training arguments",
        torch_file(Made(Ref("transformers.training_args", "TrainingArguments"), state={"lr": 1}, new=True)),
        CHECK,
    ),
    Case(
        "namespace.pt",
        "a namespace",
        torch_file({"args": Made(Ref("argparse", "Namespace"), state={"lr": 1}, new=True)}),
        CHECK,
    ),
    Case("path.pt", "a path", torch_file({"p": Made(Ref("pathlib", "PosixPath"), "a", "b")}), CHECK),
    Case(
        "omegaconf.ckpt",
        "Lightning settings",
        torch_file(
            {
                "hyper_parameters": Made(
                    Ref("omegaconf.dictconfig", "DictConfig"), state={"a": Ref("typing", "Any")}, new=True
                )
            }
        ),
        CHECK,
    ),
]
