"""Writes a model folder of the lab as ONNX, for onnx-race.ts: ids and the place of each last token to label shares.

  pip install onnx numpy && python onnx-export.py public/models/general labels.json general.onnx

labels.json holds the ids of the label tokens, as onnx-race.ts writes them. Nothing in the tests runs this.
"""

import json
import struct
import sys

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

folder, labels_path, out = sys.argv[1:]
config = json.load(open(f"{folder}/config.json"))
labels = np.array(json.load(open(labels_path)), dtype=np.int64)

with open(f"{folder}/model.safetensors", "rb") as file:
    (size,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(size))
    data = file.read()
DTYPES = {"F16": np.float16, "F32": np.float32}
weights = {
    name: np.frombuffer(data[slice(*entry["data_offsets"])], DTYPES[entry["dtype"]]).reshape(entry["shape"]).astype(np.float32)
    for name, entry in header.items()
    if name != "__metadata__"
}

H, K, D = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
P, EPS = config["max_position_embeddings"], config["rms_norm_eps"]
nodes, initializers = [], []
counter = iter(range(10**6))


def constant(value):
    name = f"c{next(counter)}"
    initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
    return name


def op(kind, *inputs, **attributes):
    name = f"t{next(counter)}"
    nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
    return name


def ints(*values):
    return constant(np.array(values, dtype=np.int64))


def linear(x, name):
    return op("MatMul", x, constant(weights[name].T))


def rms_norm(x, name):
    mean = op("ReduceMean", op("Mul", x, x), ints(-1), keepdims=1)
    root = op("Sqrt", op("Add", mean, constant(np.float32(EPS))))
    return op("Mul", op("Div", x, root), constant(weights[name]))


def heads(x, count):  # [B,T,count*D] -> [B,count,T,D]
    return op("Transpose", op("Reshape", x, ints(0, 0, count, D)), perm=[0, 2, 1, 3])


def rope(x):  # [B,heads,T,D]
    left, right = op("Slice", x, ints(0), ints(D // 2), ints(3)), op("Slice", x, ints(D // 2), ints(D), ints(3))
    turned = op("Concat", op("Neg", right), left, axis=3)
    return op("Add", op("Mul", x, cos), op("Mul", turned, sin))


def repeated(x):  # [B,K,T,D] -> [B,H,T,D]
    if H == K:
        return x
    wide = op("Expand", op("Unsqueeze", x, ints(2)), ints(1, 1, H // K, 1, 1))
    return op("Reshape", wide, op("Concat", ints(0), ints(H), T, ints(D), axis=0))


T = op("Slice", op("Shape", "ids"), ints(1), ints(2))
angles = np.outer(np.arange(P), config["rope_theta"] ** (-np.arange(0, D, 2) / D))
table = np.concatenate([angles, angles], axis=1).astype(np.float32)
cos = op("Slice", constant(np.cos(table)), ints(0), T, ints(0))
sin = op("Slice", constant(np.sin(table)), ints(0), T, ints(0))
future = np.triu(np.full((P, P), -1e9, dtype=np.float32), 1)
mask = op("Slice", op("Slice", constant(future), ints(0), T, ints(0)), ints(0), T, ints(1))

x = op("Gather", constant(weights["model.embed_tokens.weight"]), "ids")
for layer in range(config["num_hidden_layers"]):
    at = f"model.layers.{layer}"
    y = rms_norm(x, f"{at}.input_layernorm.weight")
    q = rope(rms_norm(heads(linear(y, f"{at}.self_attn.q_proj.weight"), H), f"{at}.self_attn.q_norm.weight"))
    k = rope(rms_norm(heads(linear(y, f"{at}.self_attn.k_proj.weight"), K), f"{at}.self_attn.k_norm.weight"))
    v = heads(linear(y, f"{at}.self_attn.v_proj.weight"), K)
    scores = op("MatMul", q, op("Transpose", repeated(k), perm=[0, 1, 3, 2]))
    scores = op("Add", op("Mul", scores, constant(np.float32(D**-0.5))), mask)
    mixed = op("MatMul", op("Softmax", scores, axis=-1), repeated(v))
    joined = op("Reshape", op("Transpose", mixed, perm=[0, 2, 1, 3]), ints(0, 0, H * D))
    x = op("Add", x, linear(joined, f"{at}.self_attn.o_proj.weight"))
    if layer == config["num_hidden_layers"] - 1:  # from here on only the last tokens count
        x = op("Unsqueeze", op("GatherND", x, op("Unsqueeze", "last", ints(1)), batch_dims=1), ints(1))
    y = rms_norm(x, f"{at}.post_attention_layernorm.weight")
    gate = linear(y, f"{at}.mlp.gate_proj.weight")
    silu = op("Mul", gate, op("Sigmoid", gate))
    x = op("Add", x, linear(op("Mul", silu, linear(y, f"{at}.mlp.up_proj.weight")), f"{at}.mlp.down_proj.weight"))
last = op("Squeeze", rms_norm(x, "model.norm.weight"), ints(1))
head = weights.get("lm_head.weight", weights["model.embed_tokens.weight"])
shares = op("Softmax", op("MatMul", last, constant(head[labels].T)), axis=-1)
nodes.append(helper.make_node("Identity", [shares], ["shares"]))

graph = helper.make_graph(
    nodes,
    "lab",
    [
        helper.make_tensor_value_info("ids", TensorProto.INT64, ["B", "T"]),
        helper.make_tensor_value_info("last", TensorProto.INT64, ["B"]),
    ],
    [helper.make_tensor_value_info("shares", TensorProto.FLOAT, ["B", len(labels)])],
    initializers,
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
checker.check_model(model)
save(model, out)
