"""Writes a GGUF file again with all its weights as bf16 or f16: what it says of the model and its tokenizer stays as it is.

python gguf_as.py <from.gguf> <to.gguf> bf16|f16
"""
import os
import sys

import gguf
import numpy as np

TYPES = {"bf16": gguf.GGMLQuantizationType.BF16, "f16": gguf.GGMLQuantizationType.F16}
FILE_TYPES = {"bf16": gguf.LlamaFileType.MOSTLY_BF16, "f16": gguf.LlamaFileType.MOSTLY_F16}


def main(source: str, target: str, name: str) -> None:
    reader = gguf.GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    unfinished = target + ".partial"
    writer = gguf.GGUFWriter(unfinished, architecture)
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key in ("general.architecture", "general.file_type"):
            continue
        value_type, *rest = field.types
        writer.add_key_value(key, field.contents(), value_type, sub_type=rest[0] if rest else None)
    writer.add_file_type(FILE_TYPES[name])
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        # Vectors (norms) stay fp32, as llama.cpp's own converter leaves them.
        kind = TYPES[name] if values.ndim > 1 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(tensor.name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(unfinished, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
